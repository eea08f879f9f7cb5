"""Weights & Biases: its own environment variables say where values go, such as WANDB_MODE=offline."""

from __future__ import annotations

import html
import os
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
import wandb

from configs.common.errors import UserError
from pretrain.run.trackers.interface import PROJECT, Experiment
from pretrain.run.trackers.memory import Memory

# wandb refuses more bins than this.
_MOST_BINS = 512


def check_login() -> None:
    """Raise UserError if values would be sent to a server and no key is configured. It never asks for one."""
    if wandb.setup().settings.mode != "online":
        return
    try:
        reason = "" if wandb.login(prompt=False, verify=False) else "no key is configured"
    except wandb.Error as error:
        reason = str(error).strip().rstrip(".")
    if reason:
        raise UserError(
            f"run.trackers: wandb: {reason}; run `wandb login`, or set WANDB_API_KEY, or set WANDB_MODE=offline"
        )


def start(experiment: Experiment, memory: Memory) -> Wandb:
    """Begin an experiment in wandb, or resume the one in `memory`."""
    run_id = memory.ids.setdefault("run", secrets.token_hex(8))
    settings = wandb.Settings(
        silent=True,
        console="off",  # what the run prints is not recorded
        disable_git=True,
        save_code=False,
        x_disable_meta=True,  # the metadata would hold the command with its locations and their passwords
    )
    run = wandb.init(
        id=run_id,
        resume="allow",
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=os.environ.get("WANDB_NAME", experiment.name),
        dir=os.environ.get("WANDB_DIR", str(experiment.run)),
        config=experiment.hparams,
        settings=settings,
    )
    return Wandb(run)


class Wandb:
    """An experiment in wandb. Its process sends or stores the values."""

    def __init__(self, run: wandb.Run):
        self._run = run

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._log(step, dict(values))

    def text(self, step: int, tag: str, text: str) -> None:
        self._log(step, {tag: wandb.Html(f"<pre>{html.escape(text)}</pre>", inject=False)})

    def histogram(self, step: int, tag: str, counts: np.ndarray, edges: np.ndarray) -> None:
        at_once = -(-len(counts) // _MOST_BINS)
        counts = np.add.reduceat(counts, np.arange(0, len(counts), at_once))
        edges = np.append(edges[:-1:at_once], edges[-1])
        self._log(step, {tag: wandb.Histogram(np_histogram=(counts.tolist(), edges.tolist()))})

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        self._log(step, {tag: wandb.Image(pixels)})

    def close(self, *, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))

    def _log(self, step: int, values: dict[str, Any]) -> None:
        self._run.log(values, step=step)
