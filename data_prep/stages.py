"""The stages of a preparation: a plan, a vocabulary, tasks, and what says "complete"."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from configs import keyed
from configs.errors import UserError
from configs.files import make_folder, read_json, write_text
from configs.recipe import CORPUS_TABLES, Recipe
from configs.secrets import without_secrets
from data_prep import cleaning, manifest, report, vocabulary, words
from data_prep.claim import WORK, locked
from data_prep.counts import TaskReport
from data_prep.engines.tasks import Tasks
from data_prep.extension import Addition, extended
from data_prep.manifest import SCHEMA_VERSION, SPLITS, CorpusTables, Manifest, Shard, SourceFacts
from data_prep.normalize import normalizer
from data_prep.plan import plan
from data_prep.progress import NoteProgress
from data_prep.readers import ReadRanges, document_key, lines, weighted
from data_prep.shards import row_dtype
from data_prep.steps import WriteShards

# The words that a taken vocabulary was extended with.
ADDED = "vocab_added.tsv"
# Of text, until something is known of this one.
_BYTES_OF_A_TOKEN = 4


class Preparation:
    """A corpus to be made of a recipe in the folder `out`. Raises UserError for a source that has no text."""

    def __init__(self, recipe: Recipe, out: Path):
        self.recipe, self.out = recipe, out
        # What is missing is said before anything is made.
        words.segmenter_of(recipe.masking)
        normalizer(recipe.data.normalize)
        cleaning.build(recipe.data)
        self._lexicon = int(keyed.text_hash("\n".join(words.terms_of(recipe.masking))))
        self._cleaned = cleaning.Clean(recipe.data)
        self.pieces = plan(recipe.data.sources)  # of each task

    @property
    def plan(self) -> dict[str, Any]:
        """What an unfinished corpus must agree with to be continued: the recipe's tables, the seed and the input."""
        tables = self.recipe.model_dump(mode="json", include={*CORPUS_TABLES})
        pieces = [(without_secrets(piece.path), piece.size) for task in self.pieces for piece in task]
        files = {path: {"bytes": 0} for path, _ in pieces}
        for path, size in pieces:
            files[path]["bytes"] += size
        return {"seed": self.recipe.seed, "recipe": tables, "input": files, "lexicon": self._lexicon}

    def make_vocabulary(self) -> None:
        """Once: of several processes the first to come makes it, and the others wait."""
        settings = self.recipe.vocabulary
        with locked(self.out / WORK / "vocabulary.lock"):
            if (self.out / vocabulary.TOKENIZER).exists():
                return
            if settings.source == "train":
                print(f"training a vocabulary of {settings.size:,} entries", file=sys.stderr, flush=True)
                tokenizer = vocabulary.train(settings, self._sample)
            else:
                tokenizer = vocabulary.take(settings)
            if settings.extend:
                tokenizer = self._extended(tokenizer)
            words.check_terms(self.recipe, tokenizer)
            vocabulary.save(tokenizer, self.out)

    def _extended(self, tokenizer: Tokenizer) -> Tokenizer:
        settings = self.recipe.vocabulary
        entries, additions = extended(tokenizer, settings, self._sample())
        table = [Addition._fields, *(tuple(map(str, addition)) for addition in additions)]
        write_text(self.out / ADDED, "".join("\t".join(line) + "\n" for line in table))
        return vocabulary.of_entries({entry: n for n, entry in enumerate(entries)}, settings, Path(settings.source))

    def _sample(self) -> Iterator[str]:
        """About `vocabulary.sample_bytes` of the text: each document by a draw that depends on its words alone."""
        pieces = [piece for task in self.pieces for piece in task]
        share = self.recipe.vocabulary.sample_bytes / sum(piece.text_bytes for piece in pieces)
        for piece in pieces:
            for document in self._cleaned.run(weighted(piece, self.recipe.data, self.recipe.seed)):
                drawn = keyed.uniform(self.recipe.seed, "vocabulary sample", document_key(document))
                if drawn < share and not document.metadata["dropped"]:
                    yield from lines(document.text)

    @cached_property
    def tasks(self) -> Tasks:
        # An absolute path, because a worker on another machine has another working directory.
        folder, recipe = self.out.absolute(), self.recipe
        reports, notes = folder / WORK / "tasks", folder / WORK / "progress"
        make_folder(reports)
        make_folder(notes)
        write = WriteShards(folder, reports, recipe.data, recipe.masking, recipe.seed)
        read = ReadRanges(self.pieces, recipe.data, recipe.seed)
        return Tasks([read, NoteProgress(notes), self._cleaned, write], len(self.pieces), folder)

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
        if not total.shards["train"]:
            raise UserError(
                "data.sources: no training rows; the text is empty or all of it is held out (data.validation_share)"
            )
        report.write(self.out, self.recipe, total)
        manifest.write(self.out, _manifest(self.recipe, self.out, total))


def _manifest(recipe: Recipe, out: Path, total: TaskReport) -> Manifest:
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
