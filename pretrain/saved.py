"""A pair as it was saved: from a run, or from one of its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from configs.errors import UserError
from configs.load import load
from configs.recipe import Recipe
from pretrain import checkpoint
from pretrain.checkpoint import RECIPE
from pretrain.pair import ElectraPair
from pretrain.run import CHECKPOINTS


@dataclass(frozen=True)
class SavedPair:
    run: Path
    checkpoint: Path
    recipe: Recipe
    state: checkpoint.State
    pair: ElectraPair  # on the CPU, in evaluation mode


def open_pair(folder: Path) -> SavedPair:
    """The newest valid checkpoint of a run, or the one named. Raises UserError when there is none."""
    chosen, state = _newest(folder)
    recipe = load(str(chosen / RECIPE))
    pair = ElectraPair(recipe)
    pair.load_state_dict(checkpoint.weights(chosen))
    return SavedPair(chosen.parent.parent, chosen, recipe, state, pair.eval())


def _newest(folder: Path) -> tuple[Path, checkpoint.State]:
    """`folder` itself when it is a checkpoint, else its newest valid one, with its state."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run or checkpoint")
    if (folder / checkpoint.STATE).is_file():
        return folder, checkpoint.verify(folder)
    damage = f"{folder}: holds no checkpoint; name a run, or a folder below its {CHECKPOINTS}"
    for candidate in reversed(checkpoint.found(folder / CHECKPOINTS)):
        try:
            return candidate, checkpoint.verify(candidate)
        except UserError as error:
            damage = str(error)
    raise UserError(damage)
