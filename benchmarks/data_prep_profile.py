"""The time that each step of `electra prepare` takes, in one process.

Steps are generators that pull records from each other, so a stop watch runs for one step at a time: it changes to the
previous step when a record is asked for, and back when it arrives.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from configs.recipe import CorpusRecipe
from data_prep.claim import claimed
from data_prep.stages import Preparation

_END = object()


class _Watch:
    """Adds up the seconds of each name."""

    def __init__(self):
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._name, self._since = "", time.perf_counter()

    def change_to(self, name: str) -> str:
        """Return the name for which the watch ran until now."""
        now = time.perf_counter()
        before = self._name
        self.seconds[before] += now - self._since
        self._name, self._since = name, now
        return before

    def __deepcopy__(self, memo: object) -> _Watch:
        return self  # every task works on a copy of its steps, and all copies share the watch


class _Timed(PipelineStep):
    """A step whose time is measured."""

    def __init__(self, step: PipelineStep, watch: _Watch):
        super().__init__()
        self._step, self._watch = step, watch
        self._label = f"{step.name} ({type(step).__name__})"

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        before = self._watch.change_to(self._label)
        records = self._step.run(data, rank, world_size)
        self._watch.change_to(before)
        return records and self._pull(iter(records))

    def _pull(self, records: Iterator[Any]) -> Iterator[Any]:
        while True:
            before = self._watch.change_to(self._label)
            record = next(records, _END)
            self._watch.change_to(before)
            if record is _END:
                return
            yield record


def seconds_of_steps(recipe: CorpusRecipe, out: Path) -> dict[str, float]:
    """Prepare the corpus `out`, and return the seconds of each step."""
    watch = _Watch()
    watch.change_to("input cut into tasks")
    corpus = Preparation(recipe, out)
    with claimed(out, corpus.plan, alone=True):
        watch.change_to("vocabulary and warnings")
        corpus.make_vocabulary()
        watch.change_to("tasks themselves")
        corpus.tasks.pipeline = [
            _Timed(step, watch) for step in corpus.tasks.pipeline if isinstance(step, PipelineStep)
        ]
        for number in range(len(corpus.pieces)):
            corpus.tasks.run_task(number)
        watch.change_to("report and manifest")
        corpus.complete()
    watch.change_to("")
    del watch.seconds[""]
    return dict(watch.seconds)


def print_table(seconds: dict[str, float]) -> None:
    total = sum(seconds.values())
    print("| step | seconds | share |\n|---|---:|---:|")
    for name, of_step in seconds.items():
        print(f"| {name} | {of_step:.2f} | {of_step / total:.0%} |")
    print(f"| all | {total:.2f} | |")
