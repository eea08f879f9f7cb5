"""Checkpoints: whole or absent, verified before anything is read from them.

RUN/checkpoints/step-00010000/ holds DeepSpeed's files, the recipe, `state.json`, and `manifest.json` with the sha256 of
each, written last. It is made under another name and renamed, so a folder of this name is complete.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import tomli_w
import torch
from torch import Tensor

from configs.errors import UserError
from configs.files import read_json, sha256_of, sync_folder, sync_tree, write_json, write_text
from configs.load import validate
from configs.tables import Table
from pretrain.engine import Engine, weights_file

MANIFEST, STATE, RECIPE = "manifest.json", "state.json", "recipe.toml"
# Names of what is being written or deleted; never read, and cleared at the next start.
_WRITING, _DELETING = ".writing-", ".deleting-"


class State(Table):
    """All that a run needs besides weights and optimizer state."""

    step: int
    rows_seen: int
    recipe: str  # Recipe.fingerprint
    corpus: str  # sha256 of the corpus's manifest
    zero_stage: int
    processes: int


class _Manifest(Table):
    files: dict[str, str]


def name_of(step: int) -> str:
    return f"step-{step:08d}"


def save(engine: Engine, checkpoints: Path, state: State) -> Path:
    """Write a checkpoint with its recipe, then delete the oldest beyond `run.keep_last`. All processes call it."""
    world = engine.world
    folder = checkpoints / name_of(state.step)
    writing = checkpoints / (_WRITING + folder.name)
    if world.is_main:
        _clear(writing)
        writing.mkdir(parents=True)
    world.barrier()
    engine.save(writing)
    world.barrier()
    if world.is_main:
        sync_tree(writing)
        write_json(writing / STATE, state.model_dump())
        write_text(writing / RECIPE, tomli_w.dumps(engine.recipe.model_dump(mode="json")))
        write_json(writing / MANIFEST, {"files": {name: sha256_of(writing / name) for name in _files(writing)}})
        for damaged in found(checkpoints):  # from which the run went back to an older one
            if damaged.name >= folder.name:
                _delete(damaged)
        writing.replace(folder)
        sync_folder(checkpoints)
        for old in found(checkpoints)[: -engine.recipe.run.keep_last]:
            _delete(old)
    world.barrier()
    return folder


def found(checkpoints: Path) -> list[Path]:
    """The checkpoints of a run, oldest first, not yet verified."""
    return sorted(path for path in checkpoints.glob("step-*") if path.is_dir())


def clean(checkpoints: Path) -> None:
    """Remove what an interrupted save or deletion left."""
    for prefix in (_WRITING, _DELETING):
        for left in checkpoints.glob(f"{prefix}*"):
            _clear(left)


def verify(folder: Path) -> State:
    """Its state, when every file is what the manifest says; raises UserError naming the first that is not."""
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder}: no {MANIFEST}, so this is no complete checkpoint")
    manifest = validate(_Manifest, read_json(folder / MANIFEST), str(folder / MANIFEST))
    for name in sorted({*_files(folder), *manifest.files} - {MANIFEST}):
        if name not in manifest.files:
            raise UserError(f"{folder / name}: is not in the manifest, so the checkpoint was changed")
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: missing, so the checkpoint is damaged")
        if sha256_of(folder / name) != manifest.files[name]:
            raise UserError(f"{folder / name}: its sha256 is not the manifest's, so the checkpoint is damaged")
    return validate(State, read_json(folder / STATE), str(folder / STATE))


def weights(folder: Path) -> dict[str, Tensor]:
    """The weights of the pair by name, on the CPU, of a verified checkpoint. No pickled code is run."""
    return torch.load(weights_file(folder), map_location="cpu", weights_only=True)["module"]


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _delete(folder: Path) -> None:
    """Rename first: half a checkpoint must not bear the name of a whole one."""
    doomed = folder.with_name(_DELETING + folder.name)
    _clear(doomed)
    folder.replace(doomed)
    _clear(doomed)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
