"""The judge: the generator of a reference run, which corrupts the same held-out rows for every discriminator."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from configs.common.errors import UserError
from configs.common.files import whole_file
from data_prep.shards import Corpus
from pretrain.evaluation.rows.model import open_scored_model
from pretrain.evaluation.rows.scores import auc
from pretrain.evaluation.rows.scoring import RowMeasures, measure

_TOKENS = ("row", "original", "corrupted")


def write_rows(judge: str, corpus: Corpus, num_rows: int, file: Path) -> None:
    """Let the judge corrupt the held-out rows, and keep every token as it was and as it is now."""
    rows = _measure(judge, judge, corpus, num_rows)
    with whole_file(file) as out:
        np.savez_compressed(out, allow_pickle=False, **{name: getattr(rows, name) for name in _TOKENS})


def judge_scores(model: str, judge: str, corpus: Corpus, num_rows: int, file: Path) -> dict[str, float]:
    """Score a discriminator on the corrupted rows of a file.

    Raises UserError when this machine corrupts the rows differently, because the scores could not be compared.
    """
    rows = _measure(model, judge, corpus, num_rows)
    stored = np.load(file, allow_pickle=False)
    if not all(np.array_equal(getattr(rows, name), stored[name]) for name in _TOKENS):
        raise UserError(
            f"{file}: the judge corrupts other tokens here than it did when the file was written, so the scores cannot "
            "be compared; measure on the machine and with the packages of the other results, or name a new --out"
        )
    assert rows.logits is not None
    area = auc(rows.logits, rows.replaced, rows.row, len(rows.slots)).value
    assert area is not None, "the judge replaces some of the tokens"
    losses = np.logaddexp(0, rows.logits) - rows.logits * rows.replaced
    return {"auc": area, "rtd_loss": float(losses.mean())}


def _measure(model: str, judge: str, corpus: Corpus, num_rows: int) -> RowMeasures:
    pair, recipe = open_scored_model(model, judge).pair_for(corpus)
    return measure(pair, recipe, corpus, num_rows, detects=True)
