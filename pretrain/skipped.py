"""Steps that changed nothing, because their loss or gradient was not finite: when they are too many, and their rows.

No weight has changed since the first of them, so what it computed can be computed again from its rows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import numpy as np
from tokenizers import Tokenizer

from configs.errors import UserError
from configs.files import whole_file
from data_prep.shards import Corpus
from pretrain import checkpoint
from pretrain.engine import Measures
from pretrain.order import rows_at
from pretrain.run import Run


def check(run: Run, done: int, measures: Measures) -> None:
    """End the run when too many steps in a row, of which `done` is the last, were skipped. All processes call it."""
    if measures.skipped_in_a_row >= run.recipe.run.stop_after_skipped:
        run.world.first(lambda: _give_up(run, done, measures.skipped_in_a_row))


def _give_up(run: Run, done: int, in_a_row: int) -> NoReturn:
    """The rows of the first of the steps are written for people."""
    first, size = done - in_a_row + 1, run.recipe.batch.rows
    path = run.folder / f"skipped-{first:08d}.jsonl"
    positions = np.arange((first - 1) * size, first * size)
    write_rows(path, run.corpus, *rows_at(positions, run.corpus.num_rows("train"), run.recipe.seed))
    kept = checkpoint.found(run.checkpoints)
    raise UserError(
        f"step {done}: the loss or the gradient of the last {in_a_row} steps was not finite, so they changed nothing; "
        f"the rows of step {first} are in {path}, and {kept[-1] if kept else 'no checkpoint'} is kept; begin a new run "
        "with a lower optimizer.learning_rate, or leave these rows out"
    )


def write_rows(path: Path, corpus: Corpus, numbers: np.ndarray, epochs: np.ndarray) -> None:
    """Training rows as JSON lines: number in the corpus, epoch, ids, and the text of the ids."""
    tokenizer = Tokenizer.from_file(str(corpus.folder / "tokenizer.json"))
    with whole_file(path) as file:
        for number, epoch, row in zip(numbers.tolist(), epochs.tolist(), corpus.read("train", numbers), strict=True):
            ids = row["tokens"][: row["length"]].tolist()
            text = tokenizer.decode(ids, skip_special_tokens=False)
            line = {"row": number, "epoch": epoch, "ids": ids, "text": text}
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
