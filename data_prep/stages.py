"""The stages of a preparation: the plan, the vocabulary, the tasks, and the manifest that marks a complete corpus."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.pipeline.base import PipelineStep
from tokenizers import Tokenizer

from configs.common import randomness
from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, whole_file, write_json, write_text
from configs.common.locks import locked
from configs.common.secrets import without_secrets
from configs.folders import TOKENIZER_FILE, WORK
from configs.recipe import CORPUS_TABLES, CorpusRecipe
from configs.vocabulary.tokenizer import bert_tokenizer, entries_of
from data_prep import cleaning, duplicates, manifest, pipeline, report, vocabulary, vocabulary_training, words
from data_prep.counts import TaskReport, by_reason
from data_prep.document import SourceDocument
from data_prep.executors.tasks import Tasks
from data_prep.extension import Addition, extended
from data_prep.manifest import SCHEMA_VERSION, SPLITS, CorpusTables, Manifest, Shard, SourceFacts
from data_prep.normalize import normalizer
from data_prep.rows import row_dtype
from data_prep.sources import megatron
from data_prep.sources.readers import lines
from data_prep.sources.tasks import cut_into_tasks
from data_prep.text_sample import count_tokens, sample_documents
from data_prep.text_warnings import (
    lexicon_warnings,
    little_text_warnings,
    masked_warnings,
    text_warnings,
    unknown_warnings,
    vocabulary_warnings,
)
from data_prep.token_id_sources import refuse_text_keys

# This file of the corpus lists the words that were added to an existing vocabulary (`vocabulary.extend`).
ADDED = "vocab_added.tsv"
# The assumed number of bytes of text in a token, until finished tasks show the real number.
_BYTES_OF_A_TOKEN = 4
# The size of the text sample that is checked for warnings before the tasks, and the file that keeps the warnings for
# the report.
_SAMPLE_BYTES, _WARNINGS = 2**18, "warnings.json"


class Preparation:
    """The preparation of a corpus in the folder `out` from a recipe.

    With `megatron`, the documents are also written as Megatron's files. Raises UserError for a source that has no text.
    """

    def __init__(self, recipe: CorpusRecipe, out: Path, megatron: bool = False):
        self.recipe, self.out = recipe, out
        # These three calls raise UserError if something that they need is missing, before any file is written.
        words.segmenter_of(recipe.masking)
        normalizer(recipe.data.normalize)
        cleaning.check(recipe.data)
        self._lexicon = int(randomness.text_hash("\n".join(words.terms_of(recipe.masking))))
        self.pieces = cut_into_tasks(recipe.data.sources)  # for each task, the pieces of files that it reads
        refuse_text_keys(recipe, self.pieces)
        # An absolute path, because a worker on another machine has another working directory.
        self.work = out.absolute() / WORK
        self._signatures, self._repeated = self.work / "signatures", self.work / "repeated.npy"
        self._ids = self.work / "megatron" if megatron else None

    @property
    def plan(self) -> dict[str, Any]:
        """Return everything that must be the same when an unfinished corpus is continued.

        This is the seed, the tables of the recipe, the input files with their sizes, the lexicon, and whether the files
        of Megatron are written.
        """
        tables = self.recipe.model_dump(mode="json", include={*CORPUS_TABLES})
        pieces = [(without_secrets(piece.path), piece.size) for task in self.pieces for piece in task]
        files = {path: {"bytes": 0} for path, _ in pieces}
        for path, size in pieces:
            files[path]["bytes"] += size
        also = {"lexicon": self._lexicon, "megatron": self._ids is not None}
        return {"seed": self.recipe.seed, "recipe": tables, "input": files, **also}

    @property
    def deduplicates(self) -> bool:
        return self.recipe.data.deduplicate != "none"

    @property
    def progress(self) -> list[Path]:
        """Return the folders that show the progress of the tasks."""
        return [self._signatures, self.work] if self.deduplicates else [self.work]

    @cached_property
    def signing(self) -> Tasks:
        """Return the tasks that write the signatures of documents, with which duplicates are found."""
        return self._tasks(self._signatures, pipeline.signing(self.recipe, self._signatures))

    @cached_property
    def tasks(self) -> Tasks:
        """Return the tasks that write the masked shards."""
        reports = self.work / "tasks"
        make_folder(reports)
        if self._ids:
            make_folder(self._ids)
        repeated = self._repeated if self.deduplicates else None
        return self._tasks(self.work, pipeline.writing(self.recipe, self.out.absolute(), reports, repeated, self._ids))

    def _tasks(self, folder: Path, steps: list[PipelineStep]) -> Tasks:
        notes = folder / "progress"
        make_folder(notes)
        reading = pipeline.reading(self.recipe, self.pieces, notes)
        return Tasks([*reading, *steps], len(self.pieces), self.out, folder)

    def find_repeated(self) -> None:
        """Find the repeated documents, when every signature is written.

        The first of several processes does this, and the others wait for its result.
        """
        with locked(self.work / "repeated.lock"):
            if not self._repeated.exists():
                with whole_file(self._repeated) as file:
                    np.save(file, duplicates.find(self._signatures))

    def make_vocabulary(self) -> None:
        """Make the vocabulary. The first of several processes does this, and the others wait for its result."""
        settings = self.recipe.vocabulary
        with locked(self.work / "vocabulary.lock"):
            if (self.out / TOKENIZER_FILE).exists():
                return
            if settings.source == "train":
                print(f"training a vocabulary of {settings.size:,} entries", file=sys.stderr, flush=True)
                tokenizer = vocabulary_training.train(settings, self._sample)
            else:
                tokenizer = vocabulary.take(settings)
            if settings.extend:
                tokenizer = self._extended(tokenizer)
            words.check_terms(self.recipe, tokenizer)
            self._warn(tokenizer)
            vocabulary.save(tokenizer, self.out)

    def _warn(self, tokenizer: Tokenizer) -> None:
        """Warn before the long work about problems of the text and the vocabulary, and keep warnings for the report.

        Warnings about unknown tokens are only printed here. The report repeats them from the counts of all of the text.
        """
        settings = self.recipe.vocabulary
        texts = pipeline.cleaned_lines(self.recipe, sample_documents(self.recipe, self.pieces, _SAMPLE_BYTES))
        warnings = [*text_warnings(texts, settings), *vocabulary_warnings(entries_of(tokenizer), settings)]
        write_json(self.work / _WARNINGS, warnings)
        tokenizer.encode_special_tokens = True  # as `vocabulary.load` does for the documents
        counts = count_tokens(tokenizer, texts)
        warnings += unknown_warnings(counts.num_unknown, counts.num_tokens, counts.missing_characters, settings)
        for sentence in warnings:
            print(f"warning: {sentence}", file=sys.stderr, flush=True)

    def _extended(self, tokenizer: Tokenizer) -> Tokenizer:
        settings = self.recipe.vocabulary
        entries, additions = extended(tokenizer, settings, self._sample())
        table = [Addition._fields, *(tuple(map(str, addition)) for addition in additions)]
        write_text(self.out / ADDED, "".join("\t".join(line) + "\n" for line in table))
        return bert_tokenizer(entries, vocabulary.settings_of_recipe(settings), settings.source)

    def _sample(self) -> Iterator[str]:
        """Yield the lines of a sample of about `vocabulary.sample_bytes` of the text.

        The random draw that selects a document depends on its words and the seed alone.
        """
        total = sum(piece.text_bytes * piece.source.weight for task in self.pieces for piece in task)
        share = self.recipe.vocabulary.sample_bytes / total
        left_out: Counter[str] = Counter()
        has_text = False
        for document in self._documents():
            if document.left_out:
                left_out[document.left_out.reason] += document.left_out.count
            if document.drop_reason:
                left_out[document.drop_reason] += 1
            has_text |= bool(document.text) and not document.drop_reason
            drawn = randomness.uniform(self.recipe.seed, "vocabulary sample", document.key)
            if drawn < share and not document.drop_reason:
                yield from lines(document.text)
        if left_out and not has_text:
            raise UserError(f"data.sources: no text is left; left out: {by_reason(left_out)}")

    def _documents(self) -> Iterator[SourceDocument]:
        """Yield the documents of all tasks, cleaned as they are before tokenization."""
        repeated = self._repeated if self.deduplicates else None
        for number in range(len(self.pieces)):
            steps = [*pipeline.reading(self.recipe, self.pieces), *pipeline.cleaning(self.recipe, repeated)]
            yield from pipeline.run(steps, task=number)

    def missing_bytes(self) -> int:
        """Estimate how many bytes the unfinished tasks will write.

        The estimate uses the number of tokens that the finished tasks made from each byte of their text.
        """
        done = TaskReport()
        unfinished = set(self.tasks.unfinished())
        for number in set(range(len(self.pieces))) - unfinished:
            done.add(TaskReport.of(read_json(self.out / WORK / "tasks" / f"{number:05d}.json")))
        text = sum(piece.text_bytes for number in unfinished for piece in self.pieces[number])
        tokens = text * sum(done.tokens.values()) / done.bytes.total() if done.tokens else text / _BYTES_OF_A_TOKEN
        recipe = self.recipe
        row = row_dtype(recipe.data.row_length, recipe.vocabulary.size, recipe.masking.stored)
        return int(tokens / recipe.data.row_length * row.itemsize)

    def complete(self) -> None:
        """Add up the reports of the finished tasks, and write the report and, last, the manifest.

        Raises UserError when there are no training rows.
        """
        total = TaskReport()
        for number in range(len(self.pieces)):
            total.add(TaskReport.of(read_json(self.out / WORK / "tasks" / f"{number:05d}.json")))
        total.repeated = duplicates.count(self.work / "tasks")
        if not total.shards["train"]:
            reasons = total.skipped + total.dropped
            left_out = f"; left out: {by_reason(reasons)}" if reasons else ""
            raise UserError(
                "data.sources: no training rows; the text is empty or all of it is held out (data.validation_share)"
                + left_out
            )
        self._join_ids()
        report.write(self.out, self.recipe, total, [*read_json(self.work / _WARNINGS), *self._warnings(total)])
        manifest.write(self.out, _manifest(self.recipe, self.out, total))

    def _warnings(self, total: TaskReport) -> Iterator[str]:
        """Yield the warnings that use the counts of all of the text. Warnings about its sample come from a file."""
        num_tokens, settings = sum(total.tokens.values()), self.recipe.vocabulary
        yield from unknown_warnings(total.unknown_tokens, num_tokens, total.unknown_characters, settings)
        yield from little_text_warnings(total.documents.total(), num_tokens)
        yield from masked_warnings(
            min(total.masked_tokens.values(), default=num_tokens), num_tokens, self.recipe.masking
        )
        yield from lexicon_warnings(total.terms, self.recipe.masking)

    def _join_ids(self) -> None:
        """Join the token ids of all tasks into train.bin and validation.bin, each with its .idx file.

        A split without documents gets no files.
        """
        if not self._ids:
            return
        size = vocabulary.load(self.out).get_vocab_size()
        for split in SPLITS:
            parts = sorted(self._ids.glob(f"{split}-*.bin"))
            if any(part.stat().st_size for part in parts):
                megatron.join(parts, self.out / f"{split}.bin", size)


def _manifest(recipe: CorpusRecipe, out: Path, total: TaskReport) -> Manifest:
    sources = [
        SourceFacts(**source.model_dump(), documents=total.documents[str(number)], bytes=total.bytes[str(number)])
        for number, source in enumerate(recipe.data.sources)
    ]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        seed=recipe.seed,
        recipe=CorpusTables(data=recipe.data, vocabulary=recipe.vocabulary, masking=recipe.masking),
        vocabulary=vocabulary.describe(out),
        sources=tuple(sources),
        rows=total.num_rows,
        tokens={split: total.tokens[split] for split in SPLITS},
        shards={split: tuple(Shard(**shard) for shard in total.shards[split]) for split in SPLITS},
    )
