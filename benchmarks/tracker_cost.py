"""Measure which share of a whole run a tracker costs.

    python -m benchmarks.tracker_cost tiny --corpus corpus --tracker tensorboard

A tracker works in a thread of its own. The processor seconds of this thread are compared with those of the whole run,
so other programs on the machine hardly change the result. The evaluations themselves are not part of the cost, and
neither is the import of matplotlib, because the report of a run needs it too.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.machine import packages_and_date, processor
from configs.common.cli import CorpusFolder, Overrides, RecipeName
from configs.common.pages.figures import can_draw
from configs.load import load


def main(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    tracker: Annotated[str, typer.Option(help="As in run.trackers; its environment variables hold.")] = "tensorboard",
) -> None:
    from data_prep.shards import Corpus
    from pretrain.run.trackers.delivery import Delivery
    from pretrain.step.world import join, leave
    from pretrain.train import train

    if can_draw():
        import matplotlib.backends.backend_agg  # noqa: F401  the import is not part of the cost

    os.environ.setdefault("WANDB_MODE", "offline")
    deliver, of_trackers = Delivery._run, []

    def timed(self: Delivery) -> None:
        deliver(self)
        of_trackers.append(time.thread_time())

    Delivery._run = timed
    ours = load(recipe, [*(overrides or ()), f'run.trackers=["{tracker}"]'])
    with tempfile.TemporaryDirectory() as folder:
        world = join()
        began = time.process_time()
        train(ours, Corpus(corpus), Path(folder), world, "auto")
        whole = time.process_time() - began
        leave()
    [of_tracker] = of_trackers
    print(f"{ours.name}, {ours.schedule.steps:,} steps; {processor()}; {packages_and_date('torch', tracker)}\n")
    print("| processor seconds | |\n|---|---:|")
    print(f"| the whole run | {whole:.1f} |")
    print(f"| the thread of {tracker} | {of_tracker:.2f} |")
    print(f"| its share | {of_tracker / (whole - of_tracker):.2%} |")


if __name__ == "__main__":
    typer.run(main)
