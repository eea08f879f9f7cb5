"""A run ends after too many skipped steps in a row.

A step is skipped, and changes no weight, when its loss or gradient is not finite. No weight has changed since the first
of these steps, so its losses can be computed again from its rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import torch

from configs.common.errors import UserError
from configs.common.files import write_text
from configs.corpus_tables import MaskingTable
from configs.vocabulary.tokenizer import open_tokenizer
from pretrain.run import checkpoint
from pretrain.run.folder import RunFolder, Start
from pretrain.step.engine import Engine
from pretrain.step.loader import batch_of
from pretrain.step.order import rows_at
from pretrain.step.world import precision


def may_be_too_many(engine: Engine) -> bool:
    """Whether the newest count of skipped steps that is known without waiting reaches `run.stop_after_skipped`.

    Processes may answer differently; `check` decides when one of them says yes.
    """
    return engine.skips.recently_in_a_row >= engine.recipe.run.stop_after_skipped


def check(run: RunFolder, engine: Engine, done: int, start: Start) -> None:
    """End the run when too many steps in a row, the last of them step `done`, were skipped. All processes call it.

    It waits for the device, and raises UserError to end the run.
    """
    in_a_row = engine.skips.in_a_row
    if in_a_row >= run.recipe.run.stop_after_skipped:
        run.world.first(lambda: _give_up(run, engine, done, in_a_row, start))


def _give_up(run: RunFolder, engine: Engine, done: int, in_a_row: int, start: Start) -> NoReturn:
    """Write the rows of the first skipped step to a file that people can read, and raise UserError."""
    first = done - in_a_row + 1
    path = run.folder / f"skipped-{first:08d}.jsonl"
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(run, engine, first - 1, start))
    write_text(path, "".join(lines))
    kept = checkpoint.list_checkpoints(run.checkpoints)
    raise UserError(
        f"step {done}: the loss or the gradient of the last {in_a_row} steps was not finite, so they changed nothing; "
        f"the rows of step {first}, each with its losses, are in {path}, and {kept[-1] if kept else 'no checkpoint'} "
        "is kept; begin a new run with a lower optimizer.learning_rate, or leave out the rows without a loss"
    )


def _rows(run: RunFolder, engine: Engine, step: int, start: Start) -> Iterator[dict[str, Any]]:
    """Yield each row of a step: number in the corpus, epoch, losses without dropout, ids, and the text of the ids.

    Steps are counted from 0.
    """
    tokenizer = open_tokenizer(run.corpus.folder)
    position = start.first_row + run.recipe.batch.rows_before(step)
    masking = run.recipe.masking_at(start.earlier_updates + step)
    positions = np.arange(position, position + run.recipe.batch.rows_at(step))
    recipe = run.recipe
    numbers, epochs = rows_at(positions, run.corpus.num_rows("train"), recipe.seed, recipe.batch.order)
    for index, row in enumerate(run.corpus.read("train", numbers)):
        only = slice(index, index + 1)
        yield {
            "row": int(numbers[index]),
            "epoch": int(epochs[index]),
            "losses": _losses(run, engine, masking, numbers[only], epochs[only], positions[only]),
            "ids": (ids := row["tokens"][: row["length"]].tolist()),
            "text": tokenizer.decode(ids, skip_special_tokens=False),
        }


@torch.no_grad()
def _losses(
    run: RunFolder, engine: Engine, masking: MaskingTable, number: np.ndarray, epoch: np.ndarray, key: np.ndarray
) -> dict[str, float | None]:
    """Compute the losses of a single row by objective. A loss that is not finite is None."""
    pair, device = engine.pair.eval(), run.world.device
    batch = batch_of(run.corpus, run.recipe, "train", number, epoch, key, masking)
    counts = pair.counts([batch])
    with torch.autocast(device.type, torch.bfloat16, precision(run.recipe.compute.precision, device) == torch.bfloat16):
        sums = pair(batch.to(device), counts).sums
    means = {name: float(value) / max(1.0, counts[name]) for name, value in sums.items()}
    return {name: mean if math.isfinite(mean) else None for name, mean in means.items()}
