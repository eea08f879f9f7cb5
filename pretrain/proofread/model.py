"""A model that is open for proofreading: its tokenizer, and the networks that have a head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import open_tokenizer
from pretrain.export.checkpoints import Choice
from pretrain.export.source import Source, open_source
from pretrain.model.pair import ElectraPair
from pretrain.released.network import TowerName

# A window holds [CLS], [SEP] and at least two tokens of the text.
_SHORTEST = 4


@dataclass(frozen=True)
class Proofreader:
    """The pairs are on the CPU in evaluation mode. A network that the model lacks, or that has no head, is None."""

    source: Source
    tokenizer: Tokenizer
    discriminator: ElectraPair | None
    generator: ElectraPair | None
    length: int  # of a window, with [CLS] and [SEP]

    @property
    def name(self) -> str:
        return self.source.name

    def id_of(self, name: str) -> int:
        """Return the id of a special token, such as "mask"."""
        number = self.tokenizer.token_to_id(SPECIAL_TOKENS[name])
        assert number is not None, "tokenizers without special tokens are refused"
        return number

    @cached_property
    def whole_words(self) -> torch.Tensor:
        """Which entries of the generator's vocabulary are whole words, without special tokens."""
        size = self.source.networks["generator"].shape["vocabulary"]
        entries = (self.tokenizer.id_to_token(number) for number in range(size))
        special = {*SPECIAL_TOKENS.values(), None}  # rows of the table may have no entry
        return torch.tensor([not (entry in special or str(entry).startswith("##")) for entry in entries])

    def remarks(self) -> Iterator[str]:
        """Yield sentences on facts about this model that its user should know."""
        if self.discriminator is None:
            yield f"{self.name}: has no discriminator with its head, so no word is suspected"
        if self.generator is None:
            yield f"{self.name}: has no generator with its head and this vocabulary, so nothing is proposed"
        if self.source.training is None:
            yield (
                f"{self.name}: longer texts are read in windows of {self.length:,} tokens; if the model was trained on "
                "shorter rows, give their length with --window"
            )


def open_proofreader(name: str, window: int | None = None) -> Proofreader:
    """Open a run, a checkpoint, an export, or anything else that `--init-from` takes.

    `window` is the length of a window in tokens. By default it is the length of a row for a run, because later
    positions were not trained, and all positions of any other model. Raises UserError if the model has neither of the
    two networks with its head, or fewer positions than `window`.
    """
    source = open_source(name, Choice())
    tokenizer = open_tokenizer(source.tokenizer)
    discriminator, generator = (_pair(source, part, tokenizer) for part in ("discriminator", "generator"))
    if discriminator is None and generator is None:
        raise UserError(f"{name}: has neither a discriminator nor a generator with its head; name another model")
    return Proofreader(source, tokenizer, discriminator, generator, _length(source, window))


def _pair(source: Source, part: TowerName, tokenizer: Tokenizer) -> ElectraPair | None:
    """Return the pair that computes this network, if it has its head and a row for every entry of the vocabulary."""
    network = source.networks.get(part)
    if network is None or not network.has_head or network.shape["vocabulary"] < tokenizer.get_vocab_size():
        return None
    return source.pairs[part]


def _length(source: Source, window: int | None) -> int:
    positions = min(network.shape["max_positions"] for network in source.networks.values())
    if window is None:
        return min(positions, source.training.recipe.data.row_length) if source.training else positions
    if not _SHORTEST <= window <= positions:
        raise UserError(
            f"--window {window}: must be from {_SHORTEST} to {positions}, the number of positions of {source.name}"
        )
    return window
