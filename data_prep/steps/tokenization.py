"""Text becomes token ids, with the vocabulary of the corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.common.files import sha256_of
from configs.corpus_tables import MaskingTable
from configs.folders import TOKENIZER_FILE
from data_prep import vocabulary, words
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument, TokenizedDocument
from data_prep.manifest import SpecialTokens
from data_prep.sources.readers import lines
from data_prep.steps.base import Step
from data_prep.text_sample import has_entry

# About how many characters are tokenized at a time.
_BATCH_CHARACTERS = 2**20


@dataclass(frozen=True)
class CorpusTokenizer:
    tokenizer: Tokenizer
    lines: words.LineTokenizer
    special: SpecialTokens

    @property
    def vocabulary_size(self) -> int:
        return self.tokenizer.get_vocab_size()


def corpus_tokenizer(folder: Path, masking: MaskingTable) -> CorpusTokenizer:
    """The tokenizer of the corpus `folder`. One process keeps it, with the words it has learned, from task to task."""
    return _kept(folder, sha256_of(folder / TOKENIZER_FILE), masking)  # type: ignore[reportArgumentType]  frozen: it has a hash


@lru_cache(maxsize=1)
def _kept(folder: Path, sha256: str, masking: MaskingTable) -> CorpusTokenizer:
    """`sha256` is a part of the cache's key: the folder may hold another vocabulary by now."""
    tokenizer = vocabulary.load(folder)
    special = vocabulary.special_tokens(tokenizer, folder / TOKENIZER_FILE)
    return CorpusTokenizer(tokenizer, words.LineTokenizer(tokenizer, masking), special)


@dataclass(frozen=True)
class _Lines:
    """Consecutive lines of a document."""

    document: SourceDocument
    lines: list[str]
    is_last: bool


class Tokenize(Step):
    """Documents to tokenized documents; counts unknown tokens and the terms of the lexicon in `report`."""

    type = "TOKENIZER"
    name = "word pieces"

    def __init__(self, folder: Path, masking: MaskingTable, report: TaskReport):
        super().__init__()
        self.folder, self.masking, self.report = folder, masking, report

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> Iterator[TokenizedDocument]:
        vocabulary = corpus_tokenizer(self.folder, self.masking)
        parts: list[tuple[NDArray[np.uint32], NDArray[np.integer]]] = []
        for batch in _batches(data):
            tokens, starts = vocabulary.lines([line for piece in batch for line in piece.lines])
            self._count_unknown(vocabulary)
            first = 0
            for piece in batch:
                last = first + len(piece.lines)
                parts.append((tokens, starts[first : last + 1]))
                first = last
                if piece.is_last:
                    document = piece.document
                    yield TokenizedDocument(document, _part_of_ids(document, vocabulary) or parts)
                    parts = []
        if vocabulary.lines.lexicon:
            self.report.terms.update(vocabulary.lines.lexicon.take_counts())

    def _count_unknown(self, vocabulary: CorpusTokenizer) -> None:
        """Count the characters that made a word [UNK]: characters without an entry, or all of a word too long."""
        tokenizer = vocabulary.tokenizer
        for word, number in vocabulary.lines.take_unknown().items():
            self.report.unknown_tokens += number
            characters = "".join(tokenizer.normalizer.normalize_str(word).split())
            missing = [character for character in characters if not has_entry(tokenizer, character)]
            for name in missing or ["(a long word)"]:
                self.report.unknown_characters[name] += number


def _part_of_ids(
    document: SourceDocument, vocabulary: CorpusTokenizer
) -> list[tuple[NDArray[np.uint32], NDArray[np.integer]]]:
    """The sequences of a document that was read as token ids; none for text.

    The special tokens in them are left out: our own examples get special tokens later.
    """
    special = vocabulary.special
    sequences = []
    for ids in document.token_ids or ():
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < vocabulary.vocabulary_size:
            raise UserError(
                f"{document.id}: has token ids outside the {vocabulary.vocabulary_size} entries of the vocabulary; "
                "set vocabulary.source to the vocabulary that the ids were made with"
            )
        text_ids = ids[~np.isin(ids, [special.pad, special.cls, special.sep])]
        sequences.append((vocabulary.lines.flagged(text_ids), np.array([0, len(text_ids)])))
    return sequences


def _batches(documents: Iterable[SourceDocument]) -> Iterator[list[_Lines]]:
    """The lines of all documents, about `_BATCH_CHARACTERS` at a time, whatever documents they belong to."""
    batch: list[_Lines] = []
    num_characters = 0
    for document in documents:
        num_characters += sum(map(len, document.token_ids or ()))
        document_lines: list[str] = []
        for line in lines(document.text):
            if num_characters >= _BATCH_CHARACTERS:
                yield [*batch, _Lines(document, document_lines, is_last=False)]
                batch, document_lines, num_characters = [], [], 0
            document_lines.append(line)
            num_characters += len(line)
        batch.append(_Lines(document, document_lines, is_last=True))
        if num_characters >= _BATCH_CHARACTERS:
            yield batch
            batch, num_characters = [], 0
    if batch:
        yield batch
