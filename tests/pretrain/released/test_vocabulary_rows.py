"""An entry without a row gets the mean of the rows of its word pieces, worked by hand."""

from __future__ import annotations

import torch

from pretrain.released.shapes import VOCABULARY_TABLES
from pretrain.released.vocabulary_rows import NewRows

WITH_ROW = ["[PAD]", "[UNK]", "heart", "##beat", "##s"]


def test_new_rows_are_means_and_old_rows_stay() -> None:
    entries = [*WITH_ROW, "heartbeat", "heartbeats", "法", "heart"]
    rows = NewRows.of(entries, WITH_ROW, (5, 6, 7))
    assert rows.pieces == {5: [2, 3], 6: [2, 3, 4], 7: [1]}  # an entry without pieces takes the row of [UNK]
    table, other = torch.tensor([[0.0, 1], [2, 4], [3, 6], [9, 0], [6, 3]]), torch.ones(5)
    fitted = rows.fit({VOCABULARY_TABLES[0]: table, "other": other})
    assert torch.equal(fitted["other"], other)
    made = fitted[VOCABULARY_TABLES[0]]
    assert torch.equal(made[:5], table)
    assert made[5:].tolist() == [[6, 3], [6, 3], [2, 4], [0, 0]]


def test_rows_after_the_last_entry_are_left_out() -> None:
    bias = torch.arange(5.0)
    fitted = NewRows.of(WITH_ROW[:3], WITH_ROW[:3], ()).fit({VOCABULARY_TABLES[0]: bias})
    assert fitted[VOCABULARY_TABLES[0]].tolist() == [0, 1, 2]
