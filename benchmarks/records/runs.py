"""The runs of a benchmark: entries by lengths by seeds, each with its recipe, its command and its file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.records.entries import Entry, Levers, as_overrides
from benchmarks.records.track import Track
from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import from_tables, load
from configs.recipe import Recipe, flatten
from launch.adapt.calibration import flops_of_steps, flops_of_training
from launch.jobs import Stage
from launch.submit import Order


@dataclass(frozen=True)
class Run:
    """An entry at one length with one seed."""

    entry: Entry
    length: float
    seed: int
    recipe: Recipe
    overrides: tuple[str, ...]
    corpus: Path
    folder: Path
    result_file: Path

    def __str__(self) -> str:
        return f"{self.entry.name} at {self.length:g}, seed {self.seed}"

    @property
    def flops(self) -> float:
        """The FLOPs of the steps and the evaluations in full rows."""
        return flops_of_training(self.recipe)

    def result(self) -> dict[str, Any] | None:
        """Return the result, or None before the run is finished. Raises UserError for the result of other keys."""
        if not self.result_file.is_file():
            return None
        result = read_json(self.result_file)
        if result["fingerprint"] != self.recipe.fingerprint():
            raise UserError(
                f"{self.result_file}: was measured with other keys than {self.entry.name} has now; give the entry "
                "another name, or remove the file and its run to measure it again"
            )
        return result


@dataclass(frozen=True)
class Bench:
    """A track, the recipe of its reference, its levers, and the folder of all that is measured."""

    track: Track
    recipe: str
    levers: Levers
    out: Path

    @property
    def corpus(self) -> Path:
        """The corpus of the reference, whose held-out rows the judge corrupts."""
        return self.out / "corpora" / "reference"

    @property
    def judge(self) -> Path:
        return self.out / "judge"

    @property
    def judged_rows(self) -> Path:
        return self.out / "judged.npz"

    def corpus_of(self, entry: Entry) -> Path:
        return self.out / "corpora" / entry.name if entry.corpus else self.corpus

    def corpus_overrides(self, entry: Entry) -> list[str]:
        """Return the keys with which the text is prepared for an entry; the vocabulary is the reference's."""
        sources = [str(file) for file in self.track.text_files]
        overrides = as_overrides({"data.sources": sources, **flatten(self.track.content.corpus), **entry.corpus})
        return overrides + ([f"vocabulary.source={self.corpus / 'vocab.txt'}"] if entry.corpus else [])

    def judge_overrides(self) -> list[str]:
        return [*self._overrides(self.levers.reference, self._target_steps), f"seed={self.levers.judge_seed}"]

    def runs(self, entries: Sequence[Entry], seeds: Sequence[int]) -> list[Run]:
        """Return the runs entry by entry, as the file lists them, so that the first entries are finished first.

        Runs longer than the target's are the dearest, and serve only to read ratios of scores above it. They come last.
        """
        return sorted(self._runs(entries, seeds), key=lambda run: run.length > 1)

    def command(self, run: Run) -> list[str]:
        """Return the command that makes the result of a run."""
        content, entry = self.track.content, run.entry
        command = [sys.executable, "-m", "benchmarks.record", "trial", self.recipe, *run.overrides]
        command += ["--corpus", str(run.corpus), "--held-out", str(self.corpus), "--run", str(run.folder)]
        command += ["--judge", str(self.judge), "--rows", str(self.judged_rows), "--num-rows", str(content.judged_rows)]
        command += ["--weights", entry.weights, "--average", str(entry.average), "--json", str(run.result_file)]
        for folder in self.track.task_folders:
            command += ["--task", str(folder)]
        for key in self.track.task_keys:
            command += ["--task-key", key]
        return command

    def _runs(self, entries: Sequence[Entry], seeds: Sequence[int]) -> Iterator[Run]:
        budget = self._target_steps * self._flops_of_step(self.levers.reference)
        for entry in entries:
            of_step = self._flops_of_step(entry)
            for length in entry.lengths:
                overrides = self._overrides(entry, max(1, round(length * budget / of_step)))
                for seed in seeds:
                    yield self._run(entry, length, seed, overrides)

    def _run(self, entry: Entry, length: float, seed: int, overrides: Sequence[str]) -> Run:
        place = Path(entry.name) / f"{length:g}" / f"seed-{seed}"
        overrides = (*overrides, f"seed={seed}", f'name="{entry.name}"')
        return Run(
            entry,
            length,
            seed,
            self._recipe(entry, overrides),
            overrides,
            self.corpus_of(entry),
            self.out / "runs" / place,
            self.out / "results" / place.with_suffix(".json"),
        )

    @property
    def _target_steps(self) -> int:
        return load(self.recipe).schedule.steps

    def _flops_of_step(self, entry: Entry) -> float:
        recipe = self._recipe(entry, self._overrides(entry, self._target_steps))
        return flops_of_steps(recipe, self._target_steps) / self._target_steps

    def _overrides(self, entry: Entry, steps: int) -> list[str]:
        return [*as_overrides(flatten(self.track.content.corpus)), *entry.overrides(steps)]

    def _recipe(self, entry: Entry, overrides: Sequence[str]) -> Recipe:
        order = Order(self.recipe, tuple(overrides), (Stage.pretrain,), self.corpus_of(entry), self.out, 1, 1)
        return from_tables(order.tables(), f"{self.levers.file}: {entry.name}")


def results_of(runs: Sequence[Run]) -> Mapping[tuple[str, float], dict[int, dict[str, Any]]]:
    """Return the finished results: (entry, length) -> seed -> result."""
    by_length: dict[tuple[str, float], dict[int, dict[str, Any]]] = {}
    for run in runs:
        finished = by_length.setdefault((run.entry.name, run.length), {})
        if result := run.result():
            finished[run.seed] = result
    return by_length
