"""A run whose files are missing, cut short or changed is damaged: a sentence for each such file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.folders import CHECKPOINTS, METRICS, PROVENANCE, TOKENIZER_FILE, VOCABULARY_FILE
from configs.recipe import Recipe
from configs.vocabulary.entries import read_entries
from pretrain.run import checkpoint
from pretrain.run.logs import read_metrics


def damage_of(run: Path, recipe: Recipe) -> Iterator[str]:
    """Yield the damage of the files of a run, or of a checkpoint, other than the recipe of the run.

    A run without a checkpoint has just begun, so none of its files is missed. A checkpoint that was deleted meanwhile
    is no damage, because a run in training deletes old checkpoints.
    """
    if checkpoint.is_checkpoint(run):
        yield from _refusal(lambda: checkpoint.verify(run))
        return
    checkpoints = checkpoint.list_checkpoints(run / CHECKPOINTS)
    if not checkpoints:
        return
    yield from _refusal(lambda: read_json(run / PROVENANCE))
    yield from _refusal(lambda: _check_vocabulary(run))
    yield from _refusal(lambda: _check_metrics(run, recipe, checkpoint.step_number(checkpoints[-1])))
    for folder in checkpoints:
        for sentence in _refusal(lambda folder=folder: checkpoint.verify(folder)):
            if folder.is_dir():
                yield sentence


def _refusal(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except UserError as error:
        yield str(error)


def _check_vocabulary(run: Path) -> None:
    for name in (TOKENIZER_FILE, VOCABULARY_FILE):
        if not (run / name).is_file():
            raise UserError(f"{run / name}: missing, so the run is damaged")
    if read_entries(run / VOCABULARY_FILE) != read_entries(run / TOKENIZER_FILE):
        raise UserError(f"{run / VOCABULARY_FILE}: has other entries than {run / TOKENIZER_FILE}; one was changed")


def _check_metrics(run: Path, recipe: Recipe, last_step: int) -> None:
    """Raise UserError if lines are missing. The line of a step is written before its checkpoint."""
    if not (run / METRICS).is_file():
        raise UserError(f"{run / METRICS}: missing, so the run is damaged")
    steps = {line["step"] for line in read_metrics(run) if line["kind"] == "training"}
    interval = recipe.run.log_every
    missing = [step for step in range(interval, last_step + 1, interval) if step not in steps]
    if missing:
        raise UserError(
            f"{run / METRICS}: has no training line of step {missing[0]:,}, and the newest checkpoint is of step "
            f"{last_step:,}; the file was cut or edited"
        )
