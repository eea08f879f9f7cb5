"""A pair as it was saved: from a run, or from one of its checkpoints."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from configs.common.errors import UserError
from configs.folders import CHECKPOINTS, RECIPE
from configs.load import load
from configs.recipe import Recipe
from pretrain.model.pair import ElectraPair
from pretrain.run import checkpoint


@dataclass(frozen=True)
class SavedPair:
    run: Path
    checkpoint: Path
    recipe: Recipe
    state: checkpoint.State
    pair: ElectraPair  # on the CPU, in evaluation mode


def open_pair(folder: Path) -> SavedPair:
    """The newest valid checkpoint of a run, or the one named. Raises UserError when there is none.

    Says on stderr which newer ones are damaged.
    """
    chosen = _choose(folder)
    for damage in chosen.damage.values():
        print(f"warning: {damage}; step {chosen.state.step} is taken instead", file=sys.stderr)
    recipe = load(str(chosen.folder / RECIPE))
    pair = ElectraPair(recipe)
    pair.load_state_dict(checkpoint.weights(chosen.folder))
    return SavedPair(chosen.folder.parent.parent, chosen.folder, recipe, chosen.state, pair.eval())


def _choose(folder: Path) -> checkpoint.Valid:
    """`folder` itself when it is a checkpoint, else its newest valid one."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run or checkpoint")
    if checkpoint.is_checkpoint(folder):
        return checkpoint.Valid(folder, checkpoint.verify(folder), {})
    valid = checkpoint.newest_valid(folder / CHECKPOINTS)
    if not valid:
        raise UserError(f"{folder}: holds no checkpoint; name a run, or a folder below its {CHECKPOINTS}")
    return valid
