"""Checkpoints: whole or absent, verified before anything is read from them, and fit for any layout.

RUN/checkpoints/step-00010000/ holds every parameter and its two moments in safetensors (`engine.py`), the recipe,
`state.json`, and `manifest.json` with the sha256 of each, written last. It is made under another name and renamed, so a
folder of this name is complete.
"""

from __future__ import annotations

import re
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tomli_w
from safetensors.torch import load_file
from torch import Tensor

from configs.common.errors import UserError
from configs.common.files import (
    clear_leftovers,
    read_json,
    remove_folder,
    sha256_of,
    whole_folder,
    write_json,
    write_text,
)
from configs.folders import RECIPE
from configs.load import validate
from configs.schema import Table
from configs.training_tables import RunTable
from pretrain.step.engine import WEIGHTS, Engine, tensors_file

MANIFEST, STATE = "manifest.json", "state.json"
SCHEMA_VERSION = 1
# What was found damaged, kept for people to look at.
_DAMAGED = "damaged-"


class State(Table):
    """All that a run needs besides weights and moments, and who wrote them."""

    step: int
    skipped: int  # of these steps, which changed nothing
    rows_seen: int
    recipe: str  # Recipe.fingerprint
    corpus: str  # sha256 of the corpus's manifest
    zero_stage: int
    processes: int
    time: str  # UTC, ISO 8601

    @property
    def layout(self) -> str:
        """What wrote it, for people; any other layout reads it as well."""
        return f"{self.processes} process{'es' * (self.processes > 1)} with ZeRO {self.zero_stage}"


class _Manifest(Table):
    schema_version: Literal[1]
    files: dict[str, str]


@dataclass(frozen=True)
class Valid:
    """A checkpoint that is whole, and what is wrong with each newer one, the newest first."""

    folder: Path
    state: State
    damage: dict[Path, str]


def name_of(step: int) -> str:
    return f"step-{step:08d}"


def step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def save(engine: Engine, checkpoints: Path, state: State) -> Path:
    """Write a checkpoint with its recipe, then delete those that `run` does not keep. All processes call it."""
    world = engine.world
    folder = checkpoints / name_of(state.step)
    # The first process writes; the others only hand it their fragments.
    with whole_folder(folder) if world.is_main else nullcontext(folder) as writing:
        engine.save(writing)
        if world.is_main:
            write_json(writing / STATE, state.model_dump())
            write_text(writing / RECIPE, tomli_w.dumps(engine.recipe.to_dict()))
            files = {name: sha256_of(writing / name) for name in _files(writing)}
            write_json(writing / MANIFEST, {"schema_version": SCHEMA_VERSION, "files": files})
    if world.is_main:
        for old in _superfluous(found(checkpoints), engine.recipe.run):
            remove_folder(old)
    world.barrier()
    return folder


def _superfluous(folders: list[Path], run: RunTable) -> list[Path]:
    """Of checkpoints, oldest first: all but the last `keep_last`, and but those at multiples of `keep_every`."""
    return [
        folder for folder in folders[: -run.keep_last] if not run.keep_every or step_of(folder) % run.keep_every != 0
    ]


def is_checkpoint(folder: Path) -> bool:
    """Whether this is the folder of one, be it damaged, and not that of a run."""
    return (folder / STATE).is_file() or (folder / MANIFEST).is_file()


def found(checkpoints: Path) -> list[Path]:
    """The checkpoints of a run, oldest first, not yet verified."""
    named = (path for path in checkpoints.glob("step-*") if re.fullmatch(r"step-\d{8,}", path.name) and path.is_dir())
    return sorted(named, key=step_of)


def clean(checkpoints: Path) -> None:
    """Remove what an interrupted save or deletion left."""
    clear_leftovers(checkpoints)


def verify(folder: Path) -> State:
    """Its state, when every file is what the manifest says; raises UserError naming the first that is not."""
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder}: no {MANIFEST}, so this is no complete checkpoint")
    manifest = validate(_Manifest, read_json(folder / MANIFEST), str(folder / MANIFEST))
    there = set(_files(folder)) - {MANIFEST}
    # A name in the manifest is compared and never opened, so it cannot lead out of the folder.
    for name in sorted(there ^ manifest.files.keys()):
        if name in there:
            raise UserError(f"{folder / name}: is not in the manifest, so the checkpoint was changed")
        raise UserError(f"{folder / name}: missing, so the checkpoint is damaged")
    for name in sorted(there):
        if sha256_of(folder / name) != manifest.files[name]:
            raise UserError(f"{folder / name}: its sha256 is not the manifest's, so the checkpoint is damaged")
    return validate(State, read_json(folder / STATE), str(folder / STATE))


def newest_valid(checkpoints: Path) -> Valid | None:
    """None where there is no checkpoint; raises UserError when there are some and none is whole."""
    damage: dict[Path, str] = {}
    for folder in reversed(found(checkpoints)):
        try:
            return Valid(folder, verify(folder), damage)
        except UserError as error:
            damage[folder] = str(error)
    if damage:
        raise UserError(
            f"{next(iter(damage.values()))}; nor is any older checkpoint whole: restore one, or delete {checkpoints} "
            "to begin again"
        )
    return None


def set_aside(folder: Path) -> Path:
    """Give a damaged checkpoint a name that is never read, nor counted among those that are kept."""
    aside = folder.with_name(_DAMAGED + folder.name)
    shutil.rmtree(aside, ignore_errors=True)
    return folder.replace(aside)


def weights(folder: Path) -> dict[str, Tensor]:
    """The weights of the pair by name, on the CPU, of a verified checkpoint."""
    return load_file(tensors_file(folder, WEIGHTS))


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
