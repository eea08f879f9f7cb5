"""The weights that a run begins with, from a released model: what is loaded, what begins anew, and why.

Letters: V vocabulary, E embedding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from torch import Tensor

from configs.common.errors import UserError
from configs.common.files import read_lines
from pretrain.model.pair import ElectraPair
from pretrain.released.network import Network, Released, Weights
from pretrain.run.provenance import Line, Loaded

# Tables with a row for each entry of the vocabulary.
_BY_ENTRY = ("embeddings.word.weight", "objectives.mlm.bias", "objectives.mts.bias")


@dataclass(frozen=True)
class Beginning:
    """A released model, and what a recipe makes of it."""

    released: Released
    generator: Network | None  # None: one is built
    remarks: tuple[str, ...]

    @property
    def discriminator(self) -> Network:
        return self.released.networks["discriminator"]

    def load(self, pair: ElectraPair, vocabulary: Path) -> Loaded:
        """Fill the pair, whose vocabulary is in the folder of a corpus. What is not in the model stays as it was drawn.

        Raises UserError when the vocabulary is not the model's, or that with further entries.
        """
        entries = _Entries.of(self.released, vocabulary)
        drawn = {name: parameter.detach().clone() for name, parameter in pair.named_parameters()}
        for parameter in pair.parameters():
            torch.nn.init.constant_(parameter, torch.nan)
        known = pair.state_dict().keys()
        for network in (self.generator or _embeddings_alone(self.discriminator), self.discriminator):
            wanted = {n: tensor for n, tensor in network.weights.items() if n.startswith("embeddings.") or n in known}
            pair.load_tower(network.part, entries.fit(wanted))
        table = tuple(self._lines(pair, entries))
        for name, parameter in pair.named_parameters():
            if parameter.isnan().any():
                parameter.data.copy_(drawn[name])
        return Loaded(self.released.origin, self.remarks, table)

    def _lines(self, pair: ElectraPair, entries: _Entries) -> Iterator[Line]:
        loaded, fresh = Counter[str](), Counter[str]()
        for name, parameter in pair.named_parameters():
            (fresh if parameter.isnan().any() else loaded)[_part_of(name)] += parameter.numel()
        for part in dict.fromkeys(_part_of(name) for name, _ in pair.named_parameters()):
            of_generator = part in ("generator", "objectives.mlm")
            network = self.generator if of_generator else self.discriminator
            remark = (
                network.origin if loaded[part] and network else "built anew" if of_generator else "not in the model"
            )
            if part == "embeddings" and entries.new:
                remark += f"; {len(entries.new)} new words begin as the mean of their pieces"
            yield Line(part, loaded[part], fresh[part], remark)


def check_vocabulary(released: Released, vocabulary: Path) -> None:
    """Raises UserError when the vocabulary of a corpus is not the model's, or that with further entries."""
    _Entries.of(released, vocabulary)


def _embeddings_alone(discriminator: Network) -> Network:
    """What a fresh generator takes over."""
    embeddings = {name: t for name, t in discriminator.weights.items() if name.startswith("embeddings.")}
    return Network("generator", embeddings, {}, discriminator.origin)


def _part_of(name: str) -> str:
    """The line of the table that a parameter belongs to."""
    return ".".join(name.split(".")[: 2 if name.startswith("objectives.") else 1])


@dataclass(frozen=True)
class _Entries:
    """The entries of a corpus's vocabulary, as rows of a model's tables."""

    size: int
    new: dict[int, list[int]]  # an entry that the model lacks -> the model's pieces of it

    @classmethod
    def of(cls, released: Released, vocabulary: Path) -> _Entries:
        ours, rows = _words(vocabulary), released.main.shape["vocabulary"]
        theirs = _words(released.vocabulary) if released.vocabulary else None
        if theirs is None and len(ours) != rows:
            raise UserError(
                f"{vocabulary}: has a vocabulary of {len(ours)} entries, and {released.origin} one of {rows}, of which "
                "no file lies beside it; prepare the corpus with its vocabulary"
            )
        theirs = theirs or ours
        for number, (their, our) in enumerate(zip(theirs, ours, strict=False)):
            if their != our and not their.startswith("[unused"):
                raise UserError(
                    f"{vocabulary}: entry {number} of its vocabulary is {our!r}, and of {released.origin} {their!r}; "
                    f"prepare the corpus with --init-from {released.origin}"
                )
        if len(ours) < len(theirs):
            raise UserError(f"{vocabulary}: its vocabulary lacks entries of {released.origin}, such as {theirs[-1]!r}")
        new = [number for number, word in enumerate(ours) if number >= len(theirs) or word != theirs[number]]
        split = Tokenizer(models.WordPiece({word: n for n, word in enumerate(theirs)}, unk_token="[UNK]"))
        return cls(len(ours), {number: split.encode(ours[number]).ids for number in new})

    def fit(self, weights: Weights) -> Weights:
        return {name: self._rows(tensor) if name in _BY_ENTRY else tensor for name, tensor in weights.items()}

    def _rows(self, table: Tensor) -> Tensor:
        """[V, E] or [V] with a row for each entry; a row that no entry names is left out."""
        rows = table.new_zeros(self.size, *table.shape[1:])
        rows[: len(table)] = table[: self.size]
        for number, pieces in self.new.items():
            rows[number] = table[pieces].mean(0)
        return rows


def _words(folder: Path) -> list[str]:
    file = folder / "vocab.txt"
    if file.is_file():
        return read_lines(file)
    table = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    return sorted(table, key=table.__getitem__)
