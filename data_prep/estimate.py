"""`electra prepare --dry-run`: the size of the input and the time of the preparation, estimated from a sample."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.corpus_tables import VocabularyTable
from configs.recipe import CorpusRecipe
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import entries_of
from data_prep import pipeline, vocabulary, vocabulary_training
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument
from data_prep.sources.readers import lines
from data_prep.sources.tasks import cut_into_tasks
from data_prep.text_sample import sample_documents
from data_prep.text_warnings import text_warnings, unknown_warnings, vocabulary_warnings
from data_prep.token_id_sources import refuse_text_keys

# The size of the text sample. One core needs some seconds to prepare it.
_SAMPLE_BYTES = 2**21


@dataclass(frozen=True)
class Estimate:
    """The size of an input, and the time of its preparation on this machine, from a sample."""

    tasks: int
    size: int  # bytes of the files
    text_bytes: int  # about so many bytes of text are in them
    workers: int
    learning: float  # seconds to train the vocabulary
    working: float  # seconds for everything else
    sampled: int  # bytes of the sample
    weighed: float  # bytes of text, each as often as it is used
    counts: TaskReport  # of the sample
    trains_vocabulary: bool
    warnings: tuple[str, ...]  # about the sample and the vocabulary

    @property
    def seconds(self) -> float:
        return self.learning + self.working

    def values(self) -> dict[str, Any]:
        """Return the estimate for a program."""
        size = {"tasks": self.tasks, "bytes": self.size, "text_bytes": self.text_bytes}
        return size | {"workers": self.workers, "seconds": self.seconds, "warnings": self.warnings}

    def __str__(self) -> str:
        return (
            f"tasks: {self.tasks:,}; input: {self.size:,} bytes, about {self.text_bytes:,} bytes of text; "
            f"time with --workers {self.workers}: about {_minutes(self.seconds)}, {_minutes(self.learning)} of them "
            f"for the vocabulary (measured on {self.sampled / 1e6:.1f} MB of this text, on one core of this machine)"
            + ("" if self.trains_vocabulary else _unknown(self.counts))
        )


def estimate(recipe: CorpusRecipe, workers: int) -> Estimate:
    """Estimate the size of the input, and the time on `workers` cores like this machine's.

    Raises UserError as `prepare` does.
    """
    tasks = cut_into_tasks(recipe.data.sources)
    refuse_text_keys(recipe, tasks)
    pieces = [piece for task in tasks for piece in task]
    sample = list(sample_documents(recipe, tasks, _SAMPLE_BYTES))
    sampled = sum(document.num_bytes for document in sample)
    if not sampled:
        raise UserError("data.sources: the sample holds no text, so nothing can be measured; name files that hold text")
    weighed = sum(piece.text_bytes * piece.source.weight for piece in pieces)
    learning = _seconds_to_learn(recipe.vocabulary, sample) * min(recipe.vocabulary.sample_bytes, weighed) / sampled
    seconds, counts = _write(recipe, sample)
    return Estimate(
        tasks=len(tasks),
        size=sum(piece.size for piece in pieces),
        text_bytes=sum(piece.text_bytes for piece in pieces),
        workers=workers,
        learning=learning,
        working=(_seconds_to_sign(recipe, sample) + seconds) * weighed / sampled / min(workers, len(tasks)),
        sampled=sampled,
        weighed=weighed,
        counts=counts,
        trains_vocabulary=recipe.vocabulary.source == "train",
        warnings=tuple(_warnings(recipe, sample, counts)),
    )


def _warnings(recipe: CorpusRecipe, sample: list[SourceDocument], counts: TaskReport) -> Iterator[str]:
    """Yield warnings about the text, and about the vocabulary unless it is still to be trained."""
    settings = recipe.vocabulary
    yield from text_warnings(pipeline.cleaned_lines(recipe, sample), settings)
    if settings.source != "train":
        yield from vocabulary_warnings(entries_of(vocabulary.take(settings)), settings)
        num_tokens = sum(counts.tokens.values())
        yield from unknown_warnings(counts.unknown_tokens, num_tokens, counts.unknown_characters, settings)


def _unknown(counts: TaskReport) -> str:
    """Return text with the share of unknown tokens and the most frequent unknown characters of the sample.

    The text is used when the vocabulary is not trained on the input.
    """
    share = counts.unknown_tokens / max(1, sum(counts.tokens.values()))
    most = ", ".join(f"{character} {number:,}" for character, number in counts.unknown_characters.most_common(20))
    return f"; unknown to the vocabulary: {100 * share:.3f} % of the tokens{f' ({most})' if most else ''}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"


def _seconds_to_learn(settings: VocabularyTable, sample: list[SourceDocument]) -> float:
    if settings.source != "train":
        return 0.0
    began = time.perf_counter()
    with suppress(UserError):  # a sample may give fewer entries than vocabulary.size
        vocabulary_training.train(settings, lambda: (line for document in sample for line in lines(document.text)))
    return time.perf_counter() - began


def _seconds_to_sign(recipe: CorpusRecipe, sample: list[SourceDocument]) -> float:
    if recipe.data.deduplicate == "none":
        return 0.0
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        pipeline.run(pipeline.signing(recipe, Path(folder)), sample)
        return time.perf_counter() - began


def _write(recipe: CorpusRecipe, sample: list[SourceDocument]) -> tuple[float, TaskReport]:
    """Make rows from the sample. Return the seconds that this takes, and the counts of the sample."""
    with TemporaryDirectory() as folder:
        vocabulary.save(_some_vocabulary(recipe.vocabulary, sample, Path(folder)), Path(folder))
        began = time.perf_counter()
        pipeline.run(pipeline.writing(recipe, Path(folder), Path(folder)), sample)
        seconds = time.perf_counter() - began
        return seconds, TaskReport.of(read_json(Path(folder) / "00000.json"))


def _some_vocabulary(settings: VocabularyTable, sample: list[SourceDocument], folder: Path) -> Tokenizer:
    """Return the vocabulary of the recipe.

    If the recipe trains a vocabulary, nothing is trained here. The vocabulary then consists of the characters and the
    most frequent words of the sample.
    """
    if settings.source != "train":
        return vocabulary.take(settings)
    counts = Counter(word for document in sample for word in re.findall(r"\w+|[^\w\s]", document.text.lower()))
    characters = {character for word in counts for character in word}
    entries = [*SPECIAL_TOKENS.values(), *characters, *("##" + character for character in characters)]
    entries += [word for word, _ in counts.most_common(settings.size) if len(word) > 1]
    entries = list(dict.fromkeys(entries))[: max(settings.size, 5 + 2 * len(characters))]
    (folder / "some.txt").write_text("\n".join(entries), encoding="utf-8")
    return vocabulary.take(settings.model_copy(update={"source": str(folder / "some.txt"), "size": len(entries)}))
