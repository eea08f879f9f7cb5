"""The stages of a preparation: a plan, a vocabulary, tasks, and what says "complete"."""

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
    text_warnings,
    unknown_warnings,
    vocabulary_warnings,
)

# The words that a taken vocabulary was extended with.
ADDED = "vocab_added.tsv"
# Of text, until something is known of this one.
_BYTES_OF_A_TOKEN = 4
# How much text is looked at for warnings before the work begins; the warnings wait in this file for the report.
_SAMPLE_BYTES, _WARNINGS = 2**18, "warnings.json"


class Preparation:
    """A corpus to be made of a recipe in the folder `out`, with its documents as Megatron's files where `megatron`.

    Raises UserError for a source that has no text.
    """

    def __init__(self, recipe: CorpusRecipe, out: Path, megatron: bool = False):
        self.recipe, self.out = recipe, out
        # What is missing is said before anything is made.
        words.segmenter_of(recipe.masking)
        normalizer(recipe.data.normalize)
        cleaning.build(recipe.data)
        self._lexicon = int(randomness.text_hash("\n".join(words.terms_of(recipe.masking))))
        self.pieces = cut_into_tasks(recipe.data.sources)  # of each task
        # An absolute path, because a worker on another machine has another working directory.
        self.work = out.absolute() / WORK
        self._signatures, self._repeated = self.work / "signatures", self.work / "repeated.npy"
        self._ids = self.work / "megatron" if megatron else None

    @property
    def plan(self) -> dict[str, Any]:
        """What an unfinished corpus must agree with to be continued: the recipe's tables, the seed and the input."""
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
        """The folders that tell how far its tasks are."""
        return [self._signatures, self.work] if self.deduplicates else [self.work]

    @cached_property
    def signing(self) -> Tasks:
        """The tasks that write the signatures of documents."""
        return self._tasks(self._signatures, pipeline.signing(self.recipe, self._signatures))

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks that write the masked shards."""
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
        """Once, when every signature is there; like `make_vocabulary`."""
        with locked(self.work / "repeated.lock"):
            if not self._repeated.exists():
                with whole_file(self._repeated) as file:
                    np.save(file, duplicates.find(self._signatures))

    def make_vocabulary(self) -> None:
        """Once: of several processes the first to come makes it, and the others wait."""
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
        """Say before the long work what the text and the vocabulary are not fit for, and keep it for the report."""
        settings = self.recipe.vocabulary
        documents = sample_documents(self.recipe, self.pieces, _SAMPLE_BYTES)
        kept = (document for document in pipeline.run(pipeline.cleaning(self.recipe), documents))
        texts = [line for document in kept if not document.drop_reason for line in lines(document.text)]
        warnings = [*text_warnings(texts, settings), *vocabulary_warnings(entries_of(tokenizer), settings)]
        write_json(self.work / _WARNINGS, warnings)
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
        """About `vocabulary.sample_bytes` of the text: each document by a draw that depends on its words alone."""
        total = sum(piece.text_bytes * piece.source.weight for task in self.pieces for piece in task)
        share = self.recipe.vocabulary.sample_bytes / total
        left_out: Counter[str] = Counter()
        has_text = False
        for document in self._documents():
            if document.left_out:
                left_out[document.left_out.reason] += document.left_out.count
            has_text |= bool(document.text)
            drawn = randomness.uniform(self.recipe.seed, "vocabulary sample", document.key)
            if drawn < share and not document.drop_reason:
                yield from lines(document.text)
        if left_out and not has_text:
            raise UserError(f"data.sources: no text is left; left out: {by_reason(left_out)}")

    def _documents(self) -> Iterator[SourceDocument]:
        """The documents of all tasks, as they are when they are tokenized."""
        repeated = self._repeated if self.deduplicates else None
        for number in range(len(self.pieces)):
            steps = [*pipeline.reading(self.recipe, self.pieces), *pipeline.cleaning(self.recipe, repeated)]
            yield from pipeline.run(steps, task=number)

    def missing_bytes(self) -> int:
        """About how much the unfinished tasks will write, from what the finished ones made of their text."""
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
        """Add the finished tasks up; the manifest comes last. Raises UserError when there is nothing to train on."""
        total = TaskReport()
        for number in range(len(self.pieces)):
            total.add(TaskReport.of(read_json(self.out / WORK / "tasks" / f"{number:05d}.json")))
        total.repeated = len(duplicates.find(self.work / "tasks"))
        if not total.shards["train"]:
            left_out = f"; left out: {by_reason(total.skipped)}" if total.skipped else ""
            raise UserError(
                "data.sources: no training rows; the text is empty or all of it is held out (data.validation_share)"
                + left_out
            )
        self._join_ids()
        report.write(self.out, self.recipe, total, [*read_json(self.work / _WARNINGS), *self._warnings(total)])
        manifest.write(self.out, _manifest(self.recipe, self.out, total))

    def _warnings(self, total: TaskReport) -> Iterator[str]:
        """Warnings about all of the text; those about its sample come from a file."""
        num_tokens, settings = sum(total.tokens.values()), self.recipe.vocabulary
        yield from unknown_warnings(total.unknown_tokens, num_tokens, total.unknown_characters, settings)
        yield from little_text_warnings(total.documents.total(), num_tokens)
        yield from lexicon_warnings(total.terms, self.recipe.masking)

    def _join_ids(self) -> None:
        """As train.bin and validation.bin, each with its .idx; a split without documents has none."""
        size = vocabulary.load(self.out).get_vocab_size()
        for split in SPLITS if self._ids else ():
            parts = sorted((self.work / "megatron").glob(f"{split}-*.bin"))
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
