"""The folder of a run: its recipe, provenance, metrics and checkpoints. `claim` decides where training begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
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
from pretrain.run.continuation import Continuation
from pretrain.run.provenance import Loaded, start_of
from pretrain.step.world import World


class _Provenance(Table):
    recipe: str  # Recipe.fingerprint
    starts: list[dict[str, Any]]


@dataclass(frozen=True)
class Start:
    """Where a run begins: at its first step, or after a verified checkpoint."""

    step: int
    skipped: int = 0  # the number of these steps that changed nothing
    first_row: int = 0  # the position in the order of rows at which step 0 begins
    earlier_updates: int = 0  # the optimizer's updates before step 0
    checkpoint: Path | None = None
    layout: str = ""  # the layout of the processes that wrote the checkpoint
    warnings: tuple[str, ...] = ()
    is_random: bool = False  # whether no weights were given, so that the run begins with random ones


class RunFolder:
    """The folder of a run, as all processes see it. The first process calls `claim` before anything is written.

    It is used in a `with` statement, which releases the lock on the folder at its end.
    """

    def __init__(self, folder: Path, recipe: Recipe, corpus: Corpus, world: World):
        self.folder, self.recipe, self.corpus, self.world = folder, recipe, corpus, world
        self.checkpoints = folder / CHECKPOINTS
        self._lock: Lock | None = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock:
            self._lock.close()

    def claim(self, resume: str, *, has_weights: bool = False, continuation: Continuation | None = None) -> Start:
        """Lock the folder for this process and find where training begins.

        `has_weights` says that the run can begin with the weights of a released model or of the continuation. Raises
        UserError when the folder holds anything but this run.
        """
        holds_run = (self.folder / RECIPE).is_file()
        if not holds_run and holds_other_things(self.folder):
            raise UserError(f"{self.folder}: is not empty and holds no run; name a new folder")
        if holds_run and resume == "never":
            raise UserError(f"{self.folder}: already holds a run; name a new folder, or continue it with --resume auto")
        make_folder(self.folder)
        self._lock = _lock(self.folder)
        if holds_run:
            self._check_same(load(str(self.folder / RECIPE)))
        start = self._find_start(continuation)
        if not start.checkpoint and not has_weights and (option := self._first_option()):
            raise UserError(f"{self.folder}: began with {option}, and has no checkpoint yet; give this option again")
        # The recipe is the first visible file that is written. So even if the process is killed early, a folder without
        # a recipe is not a run.
        write_text(self.folder / RECIPE, tomli_w.dumps(self.recipe.to_dict()))
        make_folder(self.checkpoints)
        checkpoint.clean(self.checkpoints)
        return replace(start, is_random=not (start.checkpoint or has_weights))

    def record(
        self,
        start: Start,
        dtype: torch.dtype,
        loaded: Loaded | None = None,
        continuation: Continuation | None = None,
        general: Corpus | None = None,
    ) -> None:
        """Store the tokenizer, append this start to the provenance, and remove the mark of an earlier stop."""
        for name in self.corpus.manifest.vocabulary.files:
            write_text(self.folder / name, (self.corpus.folder / name).read_text(encoding="utf-8"))
        path = self.folder / PROVENANCE
        starts = validate(_Provenance, read_json(path), str(path)).starts if path.is_file() else []
        entry = start_of(self.world, dtype) | {"step": start.step, "corpus": _identity(self.corpus)}
        if general:
            entry["general"] = _identity(general)
        if loaded:
            entry["init_from"] = asdict(loaded)
        if continuation:
            entry["continue_from"] = continuation.to_dict() | {"first_row": start.first_row}
        write_json(path, {"recipe": self.recipe.fingerprint(), "starts": [*starts, entry]})
        (self.folder / STOPPED).unlink(missing_ok=True)

    def mark_stopped(self, step: int) -> None:
        """Record that the run was asked to stop and has saved. All processes call it and wait until this is written."""
        if self.world.is_main:
            write_json(self.folder / STOPPED, {"step": step, "time": utc_now()})
        self.world.barrier()

    def state(self, start: Start, step: int, skipped: int) -> checkpoint.CheckpointState:
        """Make the state for a checkpoint that is written after `step` steps by processes that began at `start`."""
        return checkpoint.CheckpointState(
            step=step,
            skipped=skipped,
            rows_seen=start.first_row + self.recipe.batch.rows_before(step),
            earlier_updates=start.earlier_updates,
            recipe=self.recipe.fingerprint(),
            corpus=self.corpus.manifest_sha256,
            zero_stage=self.recipe.compute.zero_stage,
            processes=self.world.size,
            time=utc_now(),
        )

    def _first_option(self) -> str | None:
        """Return the option that gave the run its first weights, if an earlier start recorded it in the provenance."""
        path = self.folder / PROVENANCE
        for start in read_json(path)["starts"] if path.is_file() else ():
            if "init_from" in start:
                return f"--init-from {start['init_from']['model']}"
            if "continue_from" in start:
                return f"--continue-from {start['continue_from']['checkpoint']}"
        return None

    def _check_same(self, earlier: Recipe) -> None:
        for key, before, now in differences(earlier.science(), self.recipe.science()):
            raise UserError(
                f"{self.folder}: this run has {key} = {json.dumps(before)}, and now it is {json.dumps(now)}; give the "
                "recipe that the run began with, or train on from its weights and moments in a new folder: "
                f"--run NEW --continue-from {self.folder}"
            )

    def _find_start(self, continuation: Continuation | None) -> Start:
        """Start after the newest whole checkpoint, or at the first step if there is none.

        Raises UserError when the run cannot resume there.
        """
        valid = checkpoint.newest_valid(self.checkpoints)
        if not valid:
            if not continuation:
                return Start(0)
            first_row = continuation.first_row(self.recipe, self.corpus)
            return Start(0, first_row=first_row, earlier_updates=continuation.state.updates)
        state = valid.state
        self._check_corpus(valid.folder, state)
        return Start(
            state.step,
            state.skipped,
            state.rows_seen - self.recipe.batch.rows_before(state.step),
            state.earlier_updates,
            valid.folder,
            state.layout,
            tuple(_pass_over(valid)),
        )

    def _check_corpus(self, folder: Path, state: checkpoint.CheckpointState) -> None:
        if state.corpus != self.corpus.manifest_sha256:
            raise UserError(
                f"{folder}: was trained on another corpus than {self.corpus.folder} (manifest sha256 "
                f"{state.corpus[:12]}, and here {self.corpus.manifest_sha256[:12]}); name the run's own, or train on "
                f"from its weights and moments in a new folder: --run NEW --continue-from {self.folder}"
            )


def _identity(corpus: Corpus) -> dict[str, str]:
    return {"folder": str(corpus.folder), "manifest_sha256": corpus.manifest_sha256}


def _pass_over(valid: checkpoint.ValidCheckpoint) -> Iterator[str]:
    """Rename the damaged checkpoints, and yield a sentence for each that says how many steps are lost."""
    for folder, damage in valid.damage.items():
        lost = checkpoint.step_number(folder) - valid.state.step
        aside = checkpoint.set_aside(folder)
        yield f"{damage}; it is now {aside.name}, and {lost} steps are lost: going back to step {valid.state.step}"


def _lock(folder: Path) -> Lock:
    """Lock the run, so that only one job trains it. Raises UserError while another job holds the lock."""
    lock = Lock(folder / LOCK)
    if not lock.try_acquire():
        lock.close()
        raise UserError(f"{folder}: another process is training this run")
    return lock
