"""A step's rows are divided among processes, and the rows of a group are computed at once."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from configs.load import load
from configs.recipe import Recipe
from configs.share import micro_rows, micro_rows_by_batch


def recipe(rows: int, most: int = 20, group: int = 1) -> Recipe:
    return load("tiny", [f"batch.rows={rows}", f"batch.micro_rows={most}", f"batch.group_rows={group}"])


def test_micro_batches_divide_the_share() -> None:
    assert [micro_rows(recipe(96), size) for size in (1, 2, 4, 32, 96)] == [16, 16, 12, 3, 1]


def test_a_prime_share_is_computed_row_by_row() -> None:
    assert micro_rows(recipe(23), 1) == 1
    assert micro_rows(recipe(19), 1) == 19


def test_processes_that_do_not_divide_the_batch_are_refused() -> None:
    with pytest.raises(UserError, match="96 rows do not divide among 5 processes; start 4"):
        micro_rows(recipe(96), 5)
    with pytest.raises(UserError, match="2 rows do not divide among 64 processes; start 2"):
        micro_rows(recipe(2), 64)


@pytest.mark.parametrize(
    ("group_rows", "world_size", "expected"),
    [
        # groups within a process
        (4, 1, 16),
        (8, 1, 16),
        # one group over two, or four, processes
        (32, 2, 16),
        (32, 4, 8),
        # 16 and 12 rows at once would cut groups of 48
        (48, 4, 12),
    ],
)
def test_groups_of_rows_are_computed_at_once(group_rows: int, world_size: int, expected: int) -> None:
    assert micro_rows(recipe(96, group=group_rows), world_size) == expected


def test_groups_that_no_process_can_hold_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"group_rows: 48 rows .* 2 process\(es\) of at most 20 rows .* raise batch\.micro"
    ):
        micro_rows(recipe(96, group=48), 2)


def ramp(rows: int, rows_start: int, most: int = 20) -> Recipe:
    keys = [f"batch.rows={rows}", f"batch.rows_start={rows_start}", "batch.ramp_steps=10", f"batch.micro_rows={most}"]
    return load("tiny", keys)


def test_each_batch_of_a_ramp_has_micro_batches_of_its_own() -> None:
    assert micro_rows_by_batch(ramp(96, 24), 1) == {24: 12, 48: 16, 72: 18, 96: 16}
    assert micro_rows_by_batch(ramp(96, 24), 4) == {24: 6, 48: 12, 72: 18, 96: 12}
    assert micro_rows_by_batch(recipe(96), 4) == {96: 12}


def test_processes_that_do_not_divide_the_first_batch_of_a_ramp_are_refused() -> None:
    with pytest.raises(UserError, match=r"batch\.rows_start: 24 rows do not divide among 16 processes; start 12, or"):
        micro_rows(ramp(96, 24), 16)
