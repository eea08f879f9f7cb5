"""Stages of a long benchmark. Each is a command that leaves a file or a folder, and is skipped where that exists."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.common.files import read_json


@dataclass(frozen=True)
class Work:
    """The folder in which all stages write, and the number of threads that every command uses."""

    out: Path
    threads: int

    def electra(self, name: str, done: Path, *arguments: object) -> None:
        """Run one stage, unless the file or folder `done` exists."""
        if not done.exists():
            self.run(name, "launch.cli", *arguments)

    def run(self, name: str, module: str, *arguments: object) -> None:
        """Run a module with this Python, and write its output to NAME.log."""
        command = [sys.executable, "-m", module, *map(str, arguments)]
        print(" ".join(["electra" if module == "launch.cli" else f"python -m {module}", *command[3:]]), flush=True)
        began = time.perf_counter()
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "TOKENIZERS_PARALLELISM": "false"}
        with open(self.out / f"{name}.log", "a", encoding="utf-8") as log:
            if subprocess.run(command, env=environment, stdout=log, stderr=log).returncode:
                sys.exit(f"stopped; see {self.out / name}.log")
        print(f"  {time.perf_counter() - began:.0f} s", flush=True)

    def prepare(self, name: str, recipe: str, overrides: Sequence[str], *options: object) -> None:
        corpus = self.out / name
        self.electra(name, corpus / "manifest.json", "prepare", recipe, "--out", corpus, *overrides, *options)

    def pretrain(
        self, name: str, recipe: str, corpus: str, steps: int, overrides: Sequence[str], *options: object
    ) -> None:
        run = self.out / name
        arguments = ("pretrain", recipe, "--corpus", self.out / corpus, "--run", run, f"schedule.steps={steps}")
        self.electra(name, run / "checkpoints" / f"step-{steps:08d}", *arguments, *overrides, *options)

    def fine_tune(self, name: str, model: object, task: Path, seeds: int, keys: Sequence[str]) -> None:
        """Fine-tune a model on a task, unless NAME-TASK.json holds as many seeds. Fewer seeds are extended."""
        file = self.out / f"{name}-{task.name}.json"
        if not file.exists() or len(next(iter(task_values(file).values()))) < seeds:
            tuned = ("evaluate", model, "--task", task, "--seeds", seeds, *keys)
            self.run(file.stem, "launch.cli", *tuned, "--json", file)


def task_values(file: Path) -> dict[str, list[float]]:
    """Return the values by seed of each metric, the metric that the task is judged by first."""
    result = read_json(file)["tasks"][0]
    metrics = next(iter(result["models"].values()))
    return {name: metrics[name]["values"] for name in sorted(metrics, key=lambda name: name != result["metric"])}
