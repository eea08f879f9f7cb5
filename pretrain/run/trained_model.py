"""A pair read from a run or from one of its checkpoints."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from configs.folders import RECIPE
from configs.load import load
from configs.recipe import Recipe
from pretrain.model.pair import ElectraPair
from pretrain.run import checkpoint


@dataclass(frozen=True)
class TrainedPair:
    run: Path
    checkpoint: Path
    recipe: Recipe
    state: checkpoint.CheckpointState
    pair: ElectraPair  # on the CPU, in evaluation mode


def open_pair(folder: Path) -> TrainedPair:
    """Open the pair of a checkpoint, or of the newest whole checkpoint of a run. Raises UserError when there is none.

    A warning on stderr names the newer checkpoints that are damaged.
    """
    chosen = checkpoint.choose(folder)
    warn_of_damage(chosen)
    recipe = load(str(chosen.folder / RECIPE))
    pair = ElectraPair(recipe)
    pair.load_state_dict(checkpoint.read_weights(chosen.folder))
    return TrainedPair(chosen.folder.parent.parent, chosen.folder, recipe, chosen.state, pair.eval())


def warn_of_damage(chosen: checkpoint.ValidCheckpoint) -> None:
    """Name on stderr the damaged checkpoints that are newer than the chosen one."""
    for damage in chosen.damage.values():
        print(f"warning: {damage}; step {chosen.state.step} is taken instead", file=sys.stderr)
