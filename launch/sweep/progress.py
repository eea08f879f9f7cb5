"""How far the runs of a sweep are, read from their folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.folders import LOCK, PROVENANCE, RECIPE
from configs.load import load
from configs.recipe import Recipe, differences
from launch.sweep.definition import Sweep, Trial


@dataclass(frozen=True)
class Finished:
    """The last held-out scores of a run, and the PFLOP of the model that it has computed."""

    scores: dict[str, float | None]  # a score that was not finite is None
    pflop: float


def finished(trial: Trial) -> Finished | None:
    """Return the result of a run, or None if it is not finished. The last evaluation is the last thing that it does."""
    from pretrain.watch.history import read_history

    last = trial.recipe.schedule.steps
    if _last_step(trial) < last:
        return None
    history = read_history(trial.run)
    scores = next((line for line in history.evaluations("evaluation") if line["step"] == last), None)
    return Finished(scores, _without_noise(history.position([last], "flops")[0])) if scores else None


def _without_noise(pflop: float) -> float:
    """Return nine digits of a number that was computed from logged rates and times.

    The last digits depend on how long a run took, and the Pareto line compares numbers of runs with equal work.
    """
    return float(f"{pflop:.9g}")


def state(trial: Trial) -> str:
    """Return a word or two for people."""
    if finished(trial):
        return "finished"
    step = _last_step(trial)
    return f"stopped after step {step:,} of {trial.recipe.schedule.steps:,}" if step else "not begun"


def share_left(trial: Trial) -> float:
    """Return the share of the steps that are still to be done."""
    return 0.0 if finished(trial) else 1 - min(1.0, _last_step(trial) / trial.recipe.schedule.steps)


def refuse_other_runs(sweep: Sweep) -> None:
    """Raise UserError for a run in the folder of a trial that has another recipe or another corpus."""
    for trial in sweep.trials:
        if not (trial.run / RECIPE).is_file():
            continue
        stored = load(str(trial.run / RECIPE))
        for key, before, now in differences(_compared(stored, sweep), _compared(trial.recipe, sweep)):
            raise UserError(
                f"{trial.run}: has {key} = {json.dumps(before)}, and {sweep.file} says {json.dumps(now)}; give the "
                "recipe another name, name another --out, or remove the run to train it again"
            )
        if trained_on := _corpora(trial.run) - {sweep.corpus.manifest_sha256}:
            raise UserError(
                f"{trial.run}: was trained on another corpus than {sweep.corpus.folder} (manifest sha256 "
                f"{min(trained_on)[:12]}, and here {sweep.corpus.manifest_sha256[:12]}); name another --out, or remove "
                "the run to train it again"
            )


def _compared(recipe: Recipe, sweep: Sweep) -> dict[str, Any]:
    """Return what must be the same where scores are compared: the science, and the number of held-out rows."""
    rows = min(recipe.run.evaluate_rows, sweep.corpus.num_rows("validation"))
    return recipe.science() | {"run": {"evaluate_rows": rows}}


def refuse_other_things(out: Path, names: Sequence[str]) -> None:
    """Raise UserError for a folder that holds anything but a sweep. A folder with a sweep's lock may hold more."""
    if (out / LOCK).exists():
        return
    others = [path.name for path in out.iterdir() if not path.name.startswith(".")] if out.is_dir() else []
    if others := sorted(set(others) - set(names)):
        raise UserError(f"{out}: holds {others[0]}, which is no part of a sweep; name a new folder with --out")


def _last_step(trial: Trial) -> int:
    from pretrain.run.logs import read_metrics

    return max((line["step"] for line in read_metrics(trial.run)), default=0)


def _corpora(run: Path) -> set[str]:
    """Return the sha256 of the manifests of the corpora on which a run was started."""
    file = run / PROVENANCE
    return {start["corpus"]["manifest_sha256"] for start in read_json(file)["starts"]} if file.is_file() else set()
