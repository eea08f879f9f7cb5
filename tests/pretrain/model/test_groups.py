"""Rows are arranged in groups that hold all views of the same rows.

Groups that span processes are tested by the losses of several processes (tests/integration/test_health.py).
"""

from __future__ import annotations

import pytest
import torch

from configs.load import load
from pretrain.model.groups import grouped

# Each case holds the views, the rows of a group, the values of all rows (view after view), and the expected groups.
CASES = {
    "one view": (1, 2, [0, 1, 2, 3], [[0, 1], [2, 3]]),
    "two views": (2, 2, [0, 1, 2, 3, 10, 11, 12, 13], [[0, 1, 10, 11], [2, 3, 12, 13]]),
    "rows alone": (2, 1, [0, 1, 10, 11], [[0, 10], [1, 11]]),
    "one group": (2, 4, [0, 1, 2, 3, 10, 11, 12, 13], [[0, 1, 2, 3, 10, 11, 12, 13]]),
    # An evaluation may have fewer rows than a group.
    "fewer rows than a group": (2, 4, [0, 1, 10, 11], [[0, 1, 10, 11]]),
}


@pytest.mark.parametrize("name", CASES)
def test_groups_by_hand(name: str) -> None:
    views, size, values, expected = CASES[name]
    recipe = load("tiny", ["batch.rows=4", f"batch.group_rows={size}", f"batch.views={views}", "masking.maskings=2"])
    groups = grouped(torch.tensor(values), recipe, spread=False)
    assert groups.values.tolist() == expected
    assert groups.is_local.shape == groups.values.shape and groups.is_local.all()
    vectors = torch.tensor(values)[:, None] * torch.tensor([1, 100])
    assert grouped(vectors, recipe, spread=False).values[..., 1].tolist() == [[100 * v for v in g] for g in expected]
