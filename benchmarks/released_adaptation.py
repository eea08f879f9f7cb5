"""The comparison of `benchmarks.adaptation --model`: ways to adapt a released BERT, at the same learning rate.

- `as it is`: the model is fine-tuned without adaptation;
- `built`: RTD with a generator that is built, trained alone for a fifth of the steps, and then trained jointly;
- `frozen`: RTD with the generator that `built` has trained, frozen;
- `mlm`: transformers' BertForMaskedLM, for as many FLOPs as `built`;
- `strong`: RTD with the model of `mlm` as a frozen generator, whose temperature falls from 2 in half of the steps.
"""

from __future__ import annotations

import datetime
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import t

from benchmarks.stages import Work, task_values
from configs.common.files import read_json
from configs.load import load
from configs.recipe import Recipe
from pretrain.step.flops import Work as StepWork
from pretrain.step.flops import forward_flops, model_flops

AS_IS, ALL_WAYS = "as-it-is", ("built", "mlm", "frozen", "strong")
SCORES = ("auc", "masked_accuracy", "pseudo_perplexity")


@dataclass(frozen=True)
class Released:
    """The comparison of one model in one domain. Its stages write into the folder of the domain."""

    work: Work
    model: Path
    domain: str
    general: str
    steps: int
    overrides: Sequence[str]
    ways: Sequence[str] = ALL_WAYS

    def compare(self, tasks: Sequence[Path], task_keys: Sequence[str], seeds: int, rows: int) -> None:
        def fine_tune(name: str, model: Path) -> None:
            for task in tasks:
                self.work.fine_tune(name, model, task, seeds, task_keys)

        fine_tune(AS_IS, self.model)
        self._prepare()
        for name in self.ways:
            self._adapt(name)
            fine_tune(name, self.work.out / name)
        for name in self.ways:
            self._score(name, rows)
        self._report([task.name for task in tasks])

    def _prepare(self) -> None:
        for name, sources in (("domain", self.domain), ("general", self.general)):
            self.work.prepare(name, "adapt", [f"data.sources={sources}", *self.overrides], "--init-from", self.model)

    def _adapt(self, name: str) -> None:
        out = self.work.out
        generators: dict[str, list[object]] = {
            "built": [f"initial.generator_steps={self.steps // 5}"],
            "frozen": [f"initial.generator_from={out / 'built'}", "initial.generator_frozen=true"],
            "strong": [
                f"initial.generator_from={out / 'mlm'}",
                "initial.generator_frozen=true",
                "corruption.temperature_start=2",
                f"corruption.temperature_steps={self.steps // 2}",
            ],
        }
        if name == "mlm":
            self._continue_by_mlm()
        else:
            options = (*generators[name], "--init-from", self.model)
            self.work.pretrain(name, "adapt", "domain", self.steps, self.overrides, *options)

    def _continue_by_mlm(self) -> None:
        if (folder := self.work.out / "mlm").exists():
            return
        recipe = self._recipe("built")
        options = ["--rate", recipe.optimizer.learning_rate, "--rows", recipe.batch.rows]
        options += ["--bf16"] if recipe.compute.precision == "bf16" else []
        options += ["--corpus", self.work.out / "domain", "--out", folder, "--steps", self._mlm_steps()]
        self.work.run("mlm", "benchmarks.mlm", self.model, *options)

    def _recipe(self, run: str) -> Recipe:
        return load(str(self.work.out / run / "recipe.toml"))

    def _flops(self, name: str) -> float:
        """The FLOPs of a training token in full rows, by the convention of `pretrain.step.flops`."""
        recipe = self._recipe("built" if name == "mlm" else name)
        length = recipe.data.row_length
        row = StepWork(length, int((recipe.masking.rate + 0.005) * length), length * length)
        if name != "mlm":
            return model_flops(recipe, row) / length
        hidden = recipe.model.discriminator.hidden
        head = 2 * row.slots * hidden * (hidden + recipe.vocabulary.size)
        return 3 * (forward_flops(recipe.model.discriminator, recipe.model.embedding, row) + head) / length

    def _mlm_steps(self) -> int:
        return round(self.steps * self._flops("built") / self._flops("mlm"))

    def _score(self, name: str, rows: int) -> None:
        """Score held-out rows. All discriminators face the replacements of the model of `mlm`."""
        out = self.work.out
        corpora = ("--corpus", out / "domain", "--corpus", out / "general", "--rows", rows)
        tests = {"own": ()} if name == "mlm" else {"own": (), "same": ("--generator", out / "mlm")}
        for test, options in tests.items():
            file = out / f"{name}-{test}.json"
            self.work.electra(file.stem, file, "evaluate", out / name, *corpora, *options, "--json", file)

    def _report(self, tasks: Sequence[str]) -> None:
        columns = (AS_IS, *self.ways)
        print(f"\n{datetime.date.today()}\n")
        print(f"| {Path(self.domain).name} | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
        tokens = self._recipe("built").data.row_length * self._recipe("built").batch.rows
        for title, cell in (
            ("steps", lambda name: f"{self._steps(name):,}"),
            ("million tokens", lambda name: f"{self._steps(name) * tokens / 1e6:.2f}"),
            ("TFLOP", lambda name: f"{self._steps(name) * tokens * self._flops(name) / 1e12:.0f}"),
        ):
            _print_row(title, ["", *map(cell, self.ways)])
        for corpus in ("domain", "general"):
            for test, score in (("same", "auc"), ("own", "auc"), ("own", SCORES[1]), ("own", SCORES[2])):
                title = f"{corpus} rows, {score.replace('_', ' ')}, {test} generator"
                _print_row(title, ["", *(self._cell(name, test, corpus, score) for name in self.ways)])
        for task in tasks:
            self._print_task(task)

    def _print_task(self, task: str) -> None:
        """Print means, and the differences by seed to the model as it is and to MLM, with intervals of Student's t."""
        columns = (AS_IS, *self.ways)
        files = {name: task_values(self.work.out / f"{name}-{task}.json") for name in columns}
        for metric in files[AS_IS]:
            values = {name: files[name][metric] for name in columns}
            title = f"{task}, {metric.replace('_', ' ')}"
            _print_row(title, [f"{statistics.fmean(values[name]):.3f}" for name in columns])
            for other in (AS_IS, "mlm"):
                _print_row(f"{title}, minus {other}", [_difference(values[name], values[other]) for name in columns])

    def _steps(self, name: str) -> int:
        return self._mlm_steps() if name == "mlm" else self.steps

    def _cell(self, name: str, test: str, corpus: str, score: str) -> str:
        file = self.work.out / f"{name}-{test}.json"
        if not file.exists():
            return ""
        scores = read_json(file)["corpora"][str(self.work.out / corpus)]["scores"]
        return spread_of_score(scores[score]) if score in scores else ""


def spread_of_score(score: dict[str, float]) -> str:
    """Return a score with half the width of its confidence interval."""
    digits = 3 if score["value"] < 10 else 1
    return f"{score['value']:.{digits}f} ± {(score['high'] - score['low']) / 2:.{digits}f}"


def _print_row(title: str, cells: Sequence[str]) -> None:
    print(f"| {title} | {' | '.join(cells)} |")


def _difference(left: Sequence[float], right: Sequence[float]) -> str:
    differences = [a - b for a, b in zip(left, right, strict=True)]
    if not any(differences):
        return ""
    half = t.ppf(0.975, len(differences) - 1) * statistics.stdev(differences) / len(differences) ** 0.5
    return re.sub(r"^(?=\d)", "+", f"{statistics.fmean(differences):.3f}") + f" ± {half:.3f}"
