"""Checkpoints. Each is whole or absent, is verified before anything is read from it, and is readable in any layout.

RUN/checkpoints/step-00010000/ holds every parameter and its moments in safetensors (`engine.py`), the recipe,
`state.json`, and `manifest.json` with the sha256 of each file. The manifest is written last, and the folder is made
under another name and then renamed, so a folder with this name is complete.
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
from configs.folders import CHECKPOINTS, RECIPE
from configs.load import validate
from configs.schema import Natural, Table
from configs.training_tables import RunTable
from pretrain.step.engine import WEIGHTS, Engine, tensors_file

MANIFEST, STATE = "manifest.json", "state.json"
SCHEMA_VERSION = 1
# The name of a damaged checkpoint gets this prefix. The checkpoint is kept, so that people can look at it.
_DAMAGED = "damaged-"


class CheckpointState(Table):
    """Everything that a run needs besides weights and moments, and the layout of the processes that saved it."""

    step: int
    skipped: int  # the number of these steps that changed nothing
    rows_seen: int
    # the optimizer's updates before step 0, in a run that was begun with --continue-from
    earlier_updates: Natural = 0
    recipe: str  # Recipe.fingerprint
    corpus: str  # sha256 of the corpus's manifest
    zero_stage: int
    processes: int
    time: str  # UTC, ISO 8601

    @property
    def updates(self) -> int:
        """How many updates of the optimizer have made these weights and moments."""
        return self.earlier_updates + self.step - self.skipped

    @property
    def layout(self) -> str:
        """The layout that wrote the checkpoint, as text for people. Every other layout can read the checkpoint too."""
        return f"{self.processes} process{'es' * (self.processes > 1)} with ZeRO {self.zero_stage}"


class _Manifest(Table):
    schema_version: Literal[1]
    files: dict[str, str]


@dataclass(frozen=True)
class ValidCheckpoint:
    """A whole checkpoint, and a sentence about the damage of each newer checkpoint, the newest first."""

    folder: Path
    state: CheckpointState
    damage: dict[Path, str]


def folder_name(step: int) -> str:
    return f"step-{step:08d}"


def step_number(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def save(engine: Engine, checkpoints: Path, state: CheckpointState) -> Path:
    """Write a checkpoint with its recipe, then delete the checkpoints that the recipe's table `run` does not keep.

    All processes call it.
    """
    world = engine.world
    folder = checkpoints / folder_name(state.step)
    # The first process writes; the others only hand it their fragments.
    with whole_folder(folder) if world.is_main else nullcontext(folder) as temporary:
        engine.save(temporary)
        if world.is_main:
            write_json(temporary / STATE, state.model_dump())
            write_text(temporary / RECIPE, tomli_w.dumps(engine.recipe.to_dict()))
            files = {name: sha256_of(temporary / name) for name in _files(temporary)}
            write_json(temporary / MANIFEST, {"schema_version": SCHEMA_VERSION, "files": files})
    if world.is_main:
        for old in _superfluous(list_checkpoints(checkpoints), engine.recipe.run):
            remove_folder(old)
    world.barrier()
    return folder


def _superfluous(folders: list[Path], run: RunTable) -> list[Path]:
    """The checkpoints to delete. `folders` are all checkpoints, oldest first.

    The last `keep_last` checkpoints stay, and so do the checkpoints at multiples of `keep_every`.
    """
    return [
        folder
        for folder in folders[: -run.keep_last]
        if not run.keep_every or step_number(folder) % run.keep_every != 0
    ]


def is_checkpoint(folder: Path) -> bool:
    """Whether `folder` is a checkpoint, damaged or not, rather than a run."""
    return (folder / STATE).is_file() or (folder / MANIFEST).is_file()


def list_checkpoints(checkpoints: Path) -> list[Path]:
    """List the checkpoints of a run, oldest first. They are not yet verified."""
    folders = (path for path in checkpoints.glob("step-*") if re.fullmatch(r"step-\d{8,}", path.name) and path.is_dir())
    return sorted(folders, key=step_number)


def newest_step(checkpoints: Path) -> int:
    """Return the step of the newest checkpoint, and 0 if there is none."""
    return max(map(step_number, list_checkpoints(checkpoints)), default=0)


def clean(checkpoints: Path) -> None:
    """Remove the remains of an interrupted save or deletion."""
    clear_leftovers(checkpoints)


def verify(folder: Path) -> CheckpointState:
    """Return the state of a checkpoint after comparing all its files with the manifest.

    Raises UserError that names the first file that differs, is missing, or is not in the manifest.
    """
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder}: no {MANIFEST}, so this is no complete checkpoint")
    manifest = validate(_Manifest, read_json(folder / MANIFEST), str(folder / MANIFEST))
    present = set(_files(folder)) - {MANIFEST}
    # A name in the manifest is compared and never opened, so it cannot lead out of the folder.
    for name in sorted(present ^ manifest.files.keys()):
        if name in present:
            raise UserError(f"{folder / name}: is not in the manifest, so the checkpoint was changed")
        raise UserError(f"{folder / name}: missing, so the checkpoint is damaged")
    for name in sorted(present):
        if sha256_of(folder / name) != manifest.files[name]:
            raise UserError(f"{folder / name}: its sha256 is not the manifest's, so the checkpoint is damaged")
    return validate(CheckpointState, read_json(folder / STATE), str(folder / STATE))


def newest_valid(checkpoints: Path) -> ValidCheckpoint | None:
    """The newest whole checkpoint, or None where there are none.

    Raises UserError when there are checkpoints and all of them are damaged.
    """
    damage: dict[Path, str] = {}
    for folder in reversed(list_checkpoints(checkpoints)):
        try:
            return ValidCheckpoint(folder, verify(folder), damage)
        except UserError as error:
            damage[folder] = str(error)
    if damage:
        raise UserError(
            f"{next(iter(damage.values()))}; nor is any older checkpoint whole: restore one, or delete {checkpoints} "
            "to begin again"
        )
    return None


def choose(folder: Path) -> ValidCheckpoint:
    """`folder` itself when it is a checkpoint, else the newest whole checkpoint of the run `folder`.

    Raises UserError when there is none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run or checkpoint")
    if is_checkpoint(folder):
        return ValidCheckpoint(folder, verify(folder), {})
    valid = newest_valid(folder / CHECKPOINTS)
    if not valid:
        raise UserError(f"{folder}: holds no checkpoint; name a run, or a folder below its {CHECKPOINTS}")
    return valid


def after_step(run: Path, step: int, option: str) -> Path:
    """The folder of the checkpoint that `run` saved after `step`, not yet verified.

    Raises UserError, which begins with `option`, when there is none.
    """
    folder = run / CHECKPOINTS / folder_name(step)
    if not folder.is_dir():
        steps = ", ".join(str(step_number(other)) for other in list_checkpoints(run / CHECKPOINTS))
        raise UserError(f"{option}: {run} holds {f'checkpoints of the steps {steps}' if steps else 'no checkpoint'}")
    return folder


def set_aside(folder: Path) -> Path:
    """Rename a damaged checkpoint, so that it is never read and does not count among the checkpoints to keep."""
    aside = folder.with_name(_DAMAGED + folder.name)
    shutil.rmtree(aside, ignore_errors=True)
    return folder.replace(aside)


def read_weights(folder: Path, part: str = WEIGHTS) -> dict[str, Tensor]:
    """Read the weights of the pair, or their average, by name from a checkpoint that was verified before."""
    return load_file(tensors_file(folder, part))


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
