"""The choice of a run's weights for an export: one checkpoint, or the mean of several."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from configs.common.errors import UserError
from configs.folders import CHECKPOINTS
from pretrain.run import checkpoint
from pretrain.run.logs import EvaluationKind, read_metrics
from pretrain.step.engine import AVERAGE, WEIGHTS, tensors_file

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Choice:
    """The user's request: `which` is "last", "best" (by `metric`) or the number of a step.

    `average` is the number of checkpoints whose mean is exported. `weights` is "raw", or "average" for the moving
    average of the weights that the run kept.
    """

    which: str = "last"
    metric: str | None = None
    average: int = 1
    weights: str = "raw"

    @property
    def evaluation(self) -> EvaluationKind:
        """The kind of the evaluations of these weights in the run's metrics."""
        return "average" if self.weights == "average" else "evaluation"


@dataclass(frozen=True)
class Chosen:
    """The verified checkpoints of an export, oldest first. If there are several, the export is their mean."""

    folders: tuple[Path, ...]
    state: checkpoint.CheckpointState  # the state of the newest checkpoint
    reason: str  # why this checkpoint was chosen, for people
    choice: Choice

    @property
    def run(self) -> Path:
        return self.folders[-1].parent.parent

    @property
    def steps(self) -> list[int]:
        return [checkpoint.step_number(folder) for folder in self.folders]

    @property
    def _part(self) -> str:
        return AVERAGE if self.choice.weights == "average" else WEIGHTS

    def weights(self) -> Weights:
        """Read the weights by name, on the CPU in fp32. A mean is added up in fp64, one tensor at a time."""
        if len(self.folders) == 1:
            return checkpoint.read_weights(self.folders[0], self._part)
        files = [safe_open(tensors_file(folder, self._part), framework="pt") for folder in self.folders]
        return {name: _mean([file.get_tensor(name) for file in files]) for name in files[0].keys()}  # noqa: SIM118  no dictionary


def _mean(tensors: list[Tensor]) -> Tensor:
    total = torch.zeros_like(tensors[0], dtype=torch.float64)
    for tensor in tensors:
        total += tensor
    return (total / len(tensors)).to(tensors[0].dtype)


def choose(path: Path, choice: Choice) -> Chosen:
    """Find and verify the requested checkpoints of `path`, which is a run or one of its checkpoints.

    If the newest checkpoint of a run is requested, a warning on stderr names damaged checkpoints that are newer. Raises
    UserError when there is no such checkpoint, or when it is damaged.
    """
    if checkpoint.is_checkpoint(path):
        if choice.which != "last":
            raise UserError(
                f"--checkpoint {choice.which}: {path} is itself a checkpoint; name the run {path.parent.parent}"
            )
        newest, reason = checkpoint.ValidCheckpoint(path, checkpoint.verify(path), {}), ""
    else:
        newest, reason = _of_run(path, choice)
    folders = _last(newest.folder, choice.average)
    for folder in folders:
        if choice.weights == "average" and not tensors_file(folder, AVERAGE).is_file():
            raise UserError(
                f"--weights average: {folder} holds none; train with optimizer.average_decay, such as 0.999"
            )
    return Chosen(folders, newest.state, reason, choice)


def _of_run(run: Path, choice: Choice) -> tuple[checkpoint.ValidCheckpoint, str]:
    if choice.metric and choice.which != "best":
        raise UserError(f"--metric {choice.metric}: is for --checkpoint best")
    valid = checkpoint.newest_valid(run / CHECKPOINTS)
    if not valid:
        raise UserError(f"{run}: holds no checkpoint; name a run that was saved, or a folder below its {CHECKPOINTS}")
    if choice.which == "last":
        for damage in valid.damage.values():
            print(f"warning: {damage}; step {valid.state.step} is taken instead", file=sys.stderr)
        return valid, "the newest checkpoint"
    if choice.which == "best":
        step, reason = _best(run, choice)
    elif choice.which.isdecimal():
        step, reason = int(choice.which), ""
    else:
        raise UserError(f"--checkpoint {choice.which}: is neither best nor last nor the number of a step")
    folder = checkpoint.after_step(run, step, f"--checkpoint {step}")
    return checkpoint.ValidCheckpoint(folder, checkpoint.verify(folder), {}), reason


def _best(run: Path, choice: Choice) -> tuple[int, str]:
    """Return the step with the best value among the steps that have both a checkpoint and an evaluation, and why."""
    steps = _steps(run)
    metric, kind = choice.metric, choice.evaluation
    lines = {line["step"]: line for line in read_metrics(run) if line["kind"] == kind and line["step"] in steps}
    if not lines:
        raise UserError(
            f"--checkpoint best: no checkpoint of {run} (steps {_listed(steps)})"
            " was evaluated on held-out rows; name a step"
        )
    names = sorted(set.intersection(*(set(line) for line in lines.values())) - {"kind", "step"})
    if metric is None or metric not in names:
        raise UserError(f"--checkpoint best: --metric: {metric or 'missing'}; there are {', '.join(names)}")
    values = {step: line[metric] for step, line in lines.items() if line[metric] is not None}
    if not values:
        raise UserError(f"--checkpoint best: {metric} was not finite at any of the steps {_listed(steps)}")
    # A metric of the log is a loss, which should be low, or a score, which should be high.
    step = (min if metric.endswith("_loss") else max)(values, key=values.__getitem__)
    return step, f"the best {metric} ({values[step]:.4f}) of the steps {_listed(sorted(values))}"


def _last(newest: Path, count: int) -> tuple[Path, ...]:
    """Return the last `count` checkpoints up to `newest`, verified."""
    step = checkpoint.step_number(newest)
    earlier = [folder for folder in checkpoint.list_checkpoints(newest.parent) if checkpoint.step_number(folder) < step]
    if count > len(earlier) + 1:
        raise UserError(
            f"--average {count}: {newest.parent} holds {len(earlier) + 1} checkpoint(s) up to step {step}; average "
            "fewer, or train with a higher run.keep_last"
        )
    folders = earlier[len(earlier) - count + 1 :]
    for folder in folders:
        checkpoint.verify(folder)
    return (*folders, newest)


def _steps(run: Path) -> list[int]:
    return [checkpoint.step_number(folder) for folder in checkpoint.list_checkpoints(run / CHECKPOINTS)]


def _listed(steps: list[int]) -> str:
    return ", ".join(f"{step}" for step in steps)
