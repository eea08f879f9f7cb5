"""The last step of a preparation task: documents in, masked shards and their statistics out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from itertools import chain, groupby, islice, pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from numpy.typing import NDArray
from tokenizers import Tokenizer

from configs.common import randomness
from configs.common.errors import UserError
from configs.common.files import sha256_of, write_json
from configs.corpus_tables import DataTable, MaskingTable
from data_prep import duplicates, packing, vocabulary, words
from data_prep.counts import TaskReport
from data_prep.manifest import SPLITS, Split
from data_prep.rows import Planes, pack, row_dtype
from data_prep.segments import Example, Sentence, examples
from data_prep.shards import draw_stored_masks, shard_writer
from data_prep.sources import megatron
from data_prep.sources.readers import document_key, lines

# Lines are tokenized about this many characters at a time.
_BATCH_CHARACTERS = 2**20
# Of the documents that are left out, for the report.
_SAMPLES, _SAMPLE_CHARACTERS = 3, 300
# Rows are masked and written this many at a time.
_BLOCK_ROWS = 512


class WriteShards(PipelineStep):
    """Tokenize, hold out, cut into examples, pack, mask and write the shards of one task."""

    type = "WRITER"
    name = "masked shards"

    def __init__(
        self, folder: Path, reports: Path, data: DataTable, masking: MaskingTable, seed: int, ids: Path | None = None
    ):
        """`ids` is where the documents go as Megatron's, when that is wanted beside the shards."""
        super().__init__()
        self.folder, self.reports, self.ids = folder, reports, ids
        self.data, self.masking, self.seed = data, masking, seed

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> None:  # type: ignore[override]  nothing follows it
        """Writes the shards and, last, the report of task `rank`."""
        task = _Task(self, rank)
        task.write(data)
        write_json(self.reports / f"{rank:05d}.json", vars(task.report))


class _Task:
    def __init__(self, step: WriteShards, number: int):
        self.step, self.number = step, number
        path = step.folder / vocabulary.TOKENIZER
        self.tokenizer, self.tokenize = _tokenizer(step.folder, sha256_of(path), step.masking)  # type: ignore  frozen: it has a hash
        self.special = vocabulary.special_tokens(self.tokenizer, path)
        self.dtype = row_dtype(step.data.row_length, self.tokenizer.get_vocab_size(), step.masking.stored)
        self.report = TaskReport()
        self._keys: list[NDArray[np.uint64]] = []  # of the documents, copies left out

    def write(self, documents: Iterable[Document]) -> None:
        """Both splits are written side by side, as the documents come."""
        with ExitStack() as open_files:
            writers: dict[Split, _SplitWriter] = {split: _SplitWriter(self, split, open_files) for split in SPLITS}
            self._ids = self._open_ids(open_files)
            for split, example in self._examples(documents):
                writers[split].add(example)
            for writer in writers.values():
                writer.finish()
        for writer in writers.values():
            writer.account()
        if self.tokenize.lexicon:
            self.report.terms.update(self.tokenize.lexicon.take_found())
        duplicates.write(self.step.reports, self.number, list(range(len(self._keys))), self._keys)

    def _open_ids(self, open_files: ExitStack) -> dict[Split, megatron.Writer]:
        if not self.step.ids:
            return {}
        size = self.tokenizer.get_vocab_size()
        paths: dict[Split, Path] = {split: self.step.ids / f"{split}-{self.number:05d}.bin" for split in SPLITS}
        return {split: open_files.enter_context(megatron.writer(path, size)) for split, path in paths.items()}

    def _examples(self, documents: Iterable[Document]) -> Iterator[tuple[Split, Example]]:
        for _, parts in groupby(self._sentences(documents), key=itemgetter(0)):
            yield from self._cut(parts)

    def _cut(self, parts: Iterator[tuple[int, Document, list[Sentence]]]) -> Iterator[tuple[Split, Example]]:
        """Of one document, whose sentences come in parts."""
        _, document, first = next(parts)
        sentences: Iterable[Sentence] = chain(first, chain.from_iterable(map(itemgetter(2), parts)))
        key, step = document_key(document), self.step
        held_out = randomness.uniform(step.seed, "hold out", key) < step.data.validation_share
        split: Split = "validation" if held_out else "train"
        self._count_document(document, key)
        if self._ids:
            sentences = _copied(sentences, self._ids[split])
        segment_key = int(randomness.bits(step.seed, "segments", key, document.metadata["copy"]))
        for example in examples(sentences, step.data, self.special, segment_key):
            yield split, example

    def _sentences(self, documents: Iterable[Document]) -> Iterator[tuple[int, Document, list[Sentence]]]:
        """(document number, document, flagged ids of its next lines), tokenized in batches that ignore documents."""
        for batch in _batches(self._readable(documents)):
            lines = [line for _, _, part in batch for line in part]
            flagged, starts = self.tokenize(lines)
            self._count_unknown()
            sentences = (flagged[start:end] for start, end in pairwise(starts.tolist()))
            for number, document, part in batch:
                given = [self._given(document, ids) for ids in document.metadata["tokens"] or ()]
                yield number, document, given or list(islice(sentences, len(part)))

    def _readable(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            if document.metadata["skipped"]:
                self.report.skipped[document.metadata["skipped"]] += 1
            elif document.metadata["dropped"]:
                self._count_dropped(document)
            else:
                self.report.personal.update(document.metadata["personal"])
                yield document

    def _count_dropped(self, document: Document) -> None:
        reason = document.metadata["dropped"]
        self.report.dropped[reason] += 1
        samples = self.report.dropped_samples.setdefault(reason, [])
        if len(samples) < _SAMPLES:
            samples.append(document.text[:_SAMPLE_CHARACTERS])

    def _given(self, document: Document, ids: NDArray[np.integer]) -> Sentence:
        """A sequence that came as ids, without the special tokens that are set here."""
        size = self.tokenizer.get_vocab_size()
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < size:
            raise UserError(f"{document.id}: has ids beyond the {size} entries of the vocabulary; name the one it has")
        fixed = [self.special.pad, self.special.cls, self.special.sep]
        return self.tokenize.flagged(ids[~np.isin(ids, fixed)])

    def _count_document(self, document: Document, key: int) -> None:
        source = str(document.metadata["source"])
        if not document.metadata["copy"]:
            self._keys.append(np.array([key], np.uint64))
        self.report.documents[source] += 1
        self.report.bytes[source] += document.metadata["bytes"]
        self.report.invalid_sequences += document.metadata["invalid"]

    def _count_unknown(self) -> None:
        """Which characters made a word [UNK]: those that are no entry, or the whole word when it is too long."""
        for word, number in self.tokenize.take_unknown().items():
            self.report.unknown_tokens += number
            characters = "".join(self.tokenizer.normalizer.normalize_str(word).split())
            missing = [character for character in characters if not self._is_known(character)]
            for name in missing or ["(a long word)"]:
                self.report.unknown_characters[name] += number

    def _is_known(self, character: str) -> bool:
        return any(self.tokenizer.token_to_id(prefix + character) is not None for prefix in ("", "##"))


@lru_cache(maxsize=1)
def _tokenizer(folder: Path, sha256: str, masking: MaskingTable) -> tuple[Tokenizer, words.LineTokenizer]:
    """Kept from task to task, with the words that it has learned. `sha256` is the file's: what the folder holds now."""
    tokenizer = vocabulary.load(folder)
    return tokenizer, words.LineTokenizer(tokenizer, masking)


def _copied(sentences: Iterable[Sentence], writer: megatron.Writer) -> Iterator[Sentence]:
    """The sentences of a document, which are written on the way."""
    for sentence in sentences:
        if len(sentence):
            writer.append(words.split(sentence)[0])
        yield sentence
    writer.end_document()


class _SplitWriter:
    """One shard: examples are packed, and rows are masked and written by the block."""

    def __init__(self, task: _Task, split: Split, open_shards: ExitStack):
        self._task = task
        self._split: Split = split
        self._path = task.step.folder / f"{split}-{task.number:05d}.npy"
        self._shard = open_shards.enter_context(shard_writer(self._path, task.dtype))
        self._packer = packing.Packer(task.step.data)
        self._block: list[packing.Row] = []

    def add(self, example: Example) -> None:
        row = self._packer.add(example)
        if row:
            self._block.append(row)
        if len(self._block) == _BLOCK_ROWS:
            self._write()

    def finish(self) -> None:
        self._block += self._packer.rest()
        if self._block:
            self._write()

    def account(self) -> None:
        """Enter the finished shard into the task's report."""
        if self._shard.rows:
            self._task.report.shards[self._split].append(
                {
                    "file": self._path.name,
                    "number": self._task.number,
                    "rows": self._shard.rows,
                    "bytes": self._path.stat().st_size,
                    "sha256": sha256_of(self._path),
                }
            )

    def _write(self) -> None:
        task, step = self._task, self._task.step
        rows = packing.rows_of(self._block, task.dtype, task.special)
        lengths = [len(example.tokens) for row in self._block for example in row]
        self._block = []
        self._count(lengths)
        planes = Planes.of(rows, task.special)
        numbers = np.arange(self._shard.rows, self._shard.rows + len(rows))
        drawn = draw_stored_masks(planes, step.masking, step.seed, self._split, task.number, numbers)
        for number, masks in enumerate(drawn):
            rows["masks"][:, number] = pack(masks)
            task.report.masked_tokens[str(number)] += int(np.count_nonzero(masks))
        self._shard.append(rows)

    def _count(self, lengths: list[int]) -> None:
        report = self._task.report
        report.examples[self._split] += len(lengths)
        report.tokens[self._split] += sum(lengths)
        report.example_lengths.update(map(str, lengths))


def _batches(documents: Iterable[Document]) -> Iterator[list[tuple[int, Document, list[str]]]]:
    """(document number, document, its next lines), about `_BATCH_CHARACTERS` at a time."""
    batch: list[tuple[int, Document, list[str]]] = []
    characters = 0
    for number, document in enumerate(documents):
        if characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
        part: list[str] = []
        batch.append((number, document, part))
        characters += sum(map(len, document.metadata["tokens"] or ()))
        for line in lines(document.text):
            part.append(line)
            characters += len(line)
            if characters >= _BATCH_CHARACTERS:
                yield batch
                part, characters = [], 0
                batch = [(number, document, part)]
    if batch:
        yield batch
