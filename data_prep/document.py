"""The records that the steps of a preparation hand on: a document as it was read, and a document as tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from datatrove.data import Document
from numpy.typing import NDArray

from configs.common import randomness
from data_prep.manifest import Split
from data_prep.segments import Tokens
from data_prep.sources.faults import LeftOut

_NO_TOKENS = np.zeros(0, np.uint32)


@dataclass(slots=True)
class SourceDocument(Document):
    """A document of a source. It is datatrove's document, so that datatrove's filters accept it."""

    # The number of its source in `data.sources`.
    source: int = 0
    # The size of its text in the file.
    num_bytes: int = 0
    # How many byte sequences were no text in the encoding of the source.
    invalid_sequences: int = 0
    # The token ids of its sequences, for a document that is read as token ids instead of text.
    token_ids: list[NDArray[np.integer]] | None = None
    # Copies of a document, which the weight of its source asks for, are numbered from 0.
    copy: int = 0
    # Why a record or a file was not read; the text is empty then. None for a document that was read.
    left_out: LeftOut | None = None
    # Why a filter or the search for repeated documents leaves it out. Empty for a document that stays.
    drop_reason: str = ""
    # Kind of personal data -> how many times it occurs.
    personal_data: dict[str, int] = field(default_factory=dict)
    split: Split = "train"
    # The text that was hashed last, and its hash.
    _hashed: tuple[str | None, int] = field(default=(None, 0), init=False, repr=False)

    @property
    def key(self) -> int:
        """A hash of the content, 64 bits: the name of the document in all random choices about it.

        Line ends belong to the file that a text was read from, so a text has the same key from every kind of file.
        """
        if self.token_ids is not None:
            return randomness.text_hash(str([ids.tolist() for ids in self.token_ids]))
        if self._hashed[0] is not self.text:
            self._hashed = (self.text, randomness.text_hash(_with_plain_line_ends(self.text)))
        return self._hashed[1]


def _with_plain_line_ends(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip("\n") + "\n"


@dataclass(slots=True)
class TokenizedDocument:
    """A document and its sentences as flagged token ids (`words.CONTINUES`)."""

    document: SourceDocument
    # The tokens of some consecutive sentences, and where each sentence starts in them, [sentences + 1].
    parts: list[tuple[Tokens, NDArray[np.integer]]] = field(default_factory=list)

    def joined(self) -> tuple[Tokens, list[int]]:
        """Return an array with the tokens of the document, and where each sentence starts in it and the last ends."""
        if len(self.parts) == 1:
            ((tokens, starts),) = self.parts
            return tokens, starts.tolist()
        sizes = [np.diff(starts) for _, starts in self.parts]
        tokens = [tokens[starts[0] : starts[-1]] for tokens, starts in self.parts]
        return np.concatenate([_NO_TOKENS, *tokens]), np.cumsum(np.concatenate([[0], *sizes])).tolist()

    @property
    def sentences(self) -> Iterator[Tokens]:
        tokens, starts = self.joined()
        for start, end in pairwise(starts):
            yield tokens[start:end]
