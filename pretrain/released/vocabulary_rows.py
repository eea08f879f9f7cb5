"""New rows in a model's tables for vocabulary entries that have no row: the mean of the rows of their word pieces.

Letters: V vocabulary, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tokenizers import Tokenizer, models
from torch import Tensor

from configs.common.errors import UserError
from configs.vocabulary.entries import SPECIAL_TOKENS, read_folder
from pretrain.released.network import Network, Released, TowerName, Weights
from pretrain.released.shapes import VOCABULARY_TABLES


def with_all_rows(released: Released) -> Released:
    """Add the missing rows, so that every entry of the model's own vocabulary has a row.

    This happens when the model is opened, so that every command computes the same. Raises UserError when a special
    token has no row.
    """
    if released.vocabulary is None:
        return released
    entries, num_rows = read_folder(released.vocabulary), released.main.shape["vocabulary"]
    missing = tuple(range(num_rows, len(entries)))
    if not missing:
        return replace(released, num_rows_without_entry=num_rows - len(entries))
    if special := [token for token in SPECIAL_TOKENS.values() if token not in entries[:num_rows]]:
        raise UserError(
            f"{released.origin}: its vocabulary has {len(entries):,} entries, and its embeddings {num_rows:,} rows, "
            f"none of them for {', '.join(special)}; put the model's own vocabulary into its folder"
        )
    rows = NewRows.of(entries, entries[:num_rows], missing)
    networks: dict[TowerName, Network] = {
        # A generator with another number of rows has another vocabulary, which we do not know, so it stays unchanged.
        name: replace(network, weights=rows.fit(network.weights))
        if network.shape["vocabulary"] == num_rows
        else network
        for name, network in released.networks.items()
    }
    return replace(released, networks=networks, entries_without_row=missing)


@dataclass(frozen=True)
class NewRows:
    """The size of a vocabulary, and for each entry without a row the word pieces whose mean becomes its row."""

    size: int
    pieces: Mapping[int, list[int]]

    @classmethod
    def of(cls, entries: Sequence[str], entries_with_row: Sequence[str], new: Sequence[int]) -> NewRows:
        """Find the pieces of the new entries, whose ids in `entries` are `new`.

        WordPiece splits each new entry into pieces from `entries_with_row`.
        """
        table = {entry: number for number, entry in enumerate(entries_with_row)}
        wordpiece = Tokenizer(models.WordPiece(table, unk_token=SPECIAL_TOKENS["unk"]))
        unknown = [table[SPECIAL_TOKENS["unk"]]]  # for an entry without pieces
        return cls(len(entries), {number: wordpiece.encode(entries[number]).ids or unknown for number in new})

    def fit(self, weights: Weights) -> Weights:
        return {name: self._rows(tensor) if name in VOCABULARY_TABLES else tensor for name, tensor in weights.items()}

    def _rows(self, table: Tensor) -> Tensor:
        """Make the table [V, E] or [V] with a row for each entry. Rows after the last entry are left out."""
        rows = table.new_zeros(self.size, *table.shape[1:])
        rows[: len(table)] = table[: self.size]
        for number, pieces in self.pieces.items():
            rows[number] = table[pieces].mean(0)
        return rows
