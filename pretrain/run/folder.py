"""A run is a folder: recipe, provenance, metrics, checkpoints. Claiming it decides where training begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w
import torch

from configs.common.clock import utc_now
from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, write_json, write_text
from configs.common.locks import Lock
from configs.folders import CHECKPOINTS, LOCK, PROVENANCE, RECIPE, STOPPED, holds_other_things
from configs.load import load, validate
from configs.recipe import Recipe, differences
from configs.schema import Table
from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.run.provenance import Loaded, start_of
from pretrain.step.world import World


class _Provenance(Table):
    recipe: str  # Recipe.fingerprint
    starts: list[dict[str, Any]]


@dataclass(frozen=True)
class Start:
    """Where a run begins: at the beginning, or behind a verified checkpoint."""

    step: int
    skipped: int = 0  # of these steps
    checkpoint: Path | None = None
    layout: str = ""  # of the processes that wrote it
    warnings: tuple[str, ...] = ()


class Run:
    """The folder of a run, as all processes see it. The first one claims it before anything is written."""

    def __init__(self, folder: Path, recipe: Recipe, corpus: Corpus, world: World):
        self.folder, self.recipe, self.corpus, self.world = folder, recipe, corpus, world
        self.checkpoints = folder / CHECKPOINTS

    def claim(self, resume: str, *, begins: bool = False) -> Start:
        """Make the folder this process's own, and find where to begin; raises UserError when it is not this run's.

        `begins` says that the weights of a released model are there to begin with.
        """
        continued = (self.folder / RECIPE).is_file()
        if not continued and holds_other_things(self.folder):
            raise UserError(f"{self.folder}: is not empty and holds no run; name a new folder")
        if continued and resume == "never":
            raise UserError(f"{self.folder}: already holds a run; name a new folder, or continue it with --resume auto")
        make_folder(self.folder)
        self._lock = _lock(self.folder)
        if continued:
            self._check_same(load(str(self.folder / RECIPE)))
        start = self._find_start()
        if not start.checkpoint and not begins and (model := self._began_with()):
            raise UserError(f"{self.folder}: began with {model}, and has no checkpoint yet; give --init-from again")
        # The first thing that is not hidden: a folder without it is not a run, however early the process was killed.
        write_text(self.folder / RECIPE, tomli_w.dumps(self.recipe.to_dict()))
        make_folder(self.checkpoints)
        checkpoint.clean(self.checkpoints)
        return start

    def record(
        self, start: Start, dtype: torch.dtype, loaded: Loaded | None = None, general: Corpus | None = None
    ) -> None:
        """Store the tokenizer, append this start to the provenance, and take the mark of a stop away."""
        for name in self.corpus.manifest.vocabulary.files:
            write_text(self.folder / name, (self.corpus.folder / name).read_text(encoding="utf-8"))
        path = self.folder / PROVENANCE
        starts = validate(_Provenance, read_json(path), str(path)).starts if path.is_file() else []
        entry = start_of(self.world, dtype) | {"step": start.step, "corpus": _identity(self.corpus)}
        if general:
            entry["general"] = _identity(general)
        if loaded:
            entry["init_from"] = asdict(loaded)
        write_json(path, {"recipe": self.recipe.fingerprint(), "starts": [*starts, entry]})
        (self.folder / STOPPED).unlink(missing_ok=True)

    def mark_stopped(self, step: int) -> None:
        """Say that the run was asked to stop, and has saved. All processes call it, and leave when it is there."""
        if self.world.is_main:
            write_json(self.folder / STOPPED, {"step": step, "time": utc_now()})
        self.world.barrier()

    def state(self, step: int, skipped: int) -> checkpoint.State:
        return checkpoint.State(
            step=step,
            skipped=skipped,
            rows_seen=step * self.recipe.batch.rows,
            recipe=self.recipe.fingerprint(),
            corpus=self.corpus.manifest_sha256,
            zero_stage=self.recipe.compute.zero_stage,
            processes=self.world.size,
            time=utc_now(),
        )

    def _began_with(self) -> str | None:
        path = self.folder / PROVENANCE
        starts = read_json(path)["starts"] if path.is_file() else []
        return next((start["init_from"]["model"] for start in starts if "init_from" in start), None)

    def _check_same(self, before: Recipe) -> None:
        for key, was, now in differences(before.science(), self.recipe.science()):
            raise UserError(
                f"{self.folder}: this run has {key} = {json.dumps(was)}, and now it is {json.dumps(now)}; "
                "name a new folder, or give the recipe that the run began with"
            )

    def _find_start(self) -> Start:
        """Behind the newest checkpoint that is whole; raises UserError when this run cannot go on there."""
        valid = checkpoint.newest_valid(self.checkpoints)
        if not valid:
            return Start(0)
        self._check_corpus(valid.folder, valid.state)
        return Start(valid.state.step, valid.state.skipped, valid.folder, valid.state.layout, tuple(_pass_over(valid)))

    def _check_corpus(self, folder: Path, state: checkpoint.State) -> None:
        if state.corpus != self.corpus.manifest_sha256:
            raise UserError(
                f"{folder}: was trained on another corpus than {self.corpus.folder} (manifest sha256 "
                f"{state.corpus[:12]}, and here {self.corpus.manifest_sha256[:12]}); name the run's own"
            )


def _identity(corpus: Corpus) -> dict[str, str]:
    return {"folder": str(corpus.folder), "manifest_sha256": corpus.manifest_sha256}


def _pass_over(valid: checkpoint.Valid) -> Iterator[str]:
    """Set the damaged checkpoints aside, and say what that costs."""
    for folder, damage in valid.damage.items():
        lost = checkpoint.step_of(folder) - valid.state.step
        aside = checkpoint.set_aside(folder)
        yield f"{damage}; it is now {aside.name}, and {lost} steps are lost: going back to step {valid.state.step}"


def _lock(folder: Path) -> Lock:
    """A run is trained by one job: the lock is held until the process ends."""
    lock = Lock(folder / LOCK)
    if not lock.try_acquire():
        lock.close()
        raise UserError(f"{folder}: another process is training this run")
    return lock
