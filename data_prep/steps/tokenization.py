"""Turns text into token ids, with the vocabulary of the corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.corpus_tables import MaskingTable
from configs.folders import TOKENIZER_FILE
from data_prep import vocabulary, words
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument, TokenizedDocument
from data_prep.manifest import SpecialTokens
from data_prep.sources.readers import lines
from data_prep.steps.base import Step
from data_prep.text_sample import has_entry

# The approximate number of characters that are tokenized at a time.
_BATCH_CHARACTERS = 2**17


@dataclass(frozen=True)
class CorpusTokenizer:
    tokenizer: Tokenizer
    lines: words.LineTokenizer
    special: SpecialTokens

    @property
    def vocabulary_size(self) -> int:
        return self.tokenizer.get_vocab_size()


def corpus_tokenizer(folder: Path, masking: MaskingTable) -> CorpusTokenizer:
    """Return the tokenizer of the corpus in `folder`.

    A process keeps the tokenizer, with the words that it remembers, from task to task.
    """
    file = (folder / TOKENIZER_FILE).stat()
    version = (file.st_ino, file.st_size, file.st_mtime_ns)
    return _kept(folder, version, masking)  # type: ignore[reportArgumentType]  frozen: it has a hash


@lru_cache(maxsize=1)
def _kept(folder: Path, version: tuple[int, int, int], masking: MaskingTable) -> CorpusTokenizer:
    """Load the tokenizer of the corpus in `folder`, or return the cached tokenizer.

    `version` is a part of the cache key, because the folder may hold another vocabulary than at the last call. The file
    is written under another name and then renamed, so another vocabulary is another file.
    """
    tokenizer = vocabulary.load(folder)
    special = vocabulary.special_tokens(tokenizer, folder / TOKENIZER_FILE)
    return CorpusTokenizer(tokenizer, words.LineTokenizer(tokenizer, masking), special)


@dataclass(frozen=True)
class _Lines:
    """Some consecutive lines of a document."""

    document: SourceDocument
    lines: list[str]
    is_last: bool


class Tokenize(Step):
    """Tokenizes documents, and counts unknown tokens and the terms of the lexicon in `report`."""

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
                    of_ids = _part_of_ids(document, vocabulary)
                    # Ids do not tell which characters were unknown.
                    unknown = (np.count_nonzero(ids == vocabulary.special.unk) for ids, _ in of_ids)
                    self.report.unknown_tokens += int(sum(unknown))
                    yield TokenizedDocument(document, of_ids or parts)
                    parts = []
        if vocabulary.lines.lexicon:
            self.report.terms.update(vocabulary.lines.lexicon.take_counts())

    def _count_unknown(self, vocabulary: CorpusTokenizer) -> None:
        """Count unknown tokens, and the characters without an entry of the vocabulary that caused them.

        An unknown word in which every character has an entry is counted as "(a long word)".
        """
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
    """Return the sequences of a document that was read as token ids. The list is empty for a document of text.

    Special tokens are removed from the sequences, because our examples get their own special tokens later.
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
    """Yield the lines of all documents in batches of about `_BATCH_CHARACTERS` characters.

    A batch may hold several documents, and a document may extend over several batches.
    """
    batch: list[_Lines] = []
    num_characters = 0
    for document in documents:
        num_characters += sum(map(len, document.token_ids or ()))
        document_lines: list[str] = []
        if num_characters + len(document.text) < _BATCH_CHARACTERS:
            batch.append(_Lines(document, list(lines(document.text)), is_last=True))
            num_characters += len(document.text)
            continue
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
