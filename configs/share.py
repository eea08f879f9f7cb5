"""The rows of a step are shared among processes."""

from __future__ import annotations

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.training_tables import BatchTable


def micro_rows(recipe: Recipe, world_size: int) -> int:
    """Return how many rows a process computes at once in a step with all rows of the batch.

    Raises UserError if the batch, or the first batch of its ramp, cannot be divided among the processes, or if they
    cannot hold a group.
    """
    if recipe.batch.rows_start is not None:
        _micro_rows(recipe.batch, recipe.batch.rows_start, "rows_start", world_size)
    return _micro_rows(recipe.batch, recipe.batch.rows, "rows", world_size)


def micro_rows_by_batch(recipe: Recipe, world_size: int) -> dict[int, int]:
    """Return for each number of rows that a step of the run has, how many of them a process computes at once.

    Raises UserError as `micro_rows` does.
    """
    micro_rows(recipe, world_size)
    # If the first batch of the ramp can be divided, so can its multiples.
    return {rows: _micro_rows(recipe.batch, rows, "rows", world_size) for rows in recipe.batch.stages.values()}


def _micro_rows(batch: BatchTable, rows: int, key: str, world_size: int) -> int:
    """Return how many of the rows of a step, which the key states, a process computes at once.

    It is the largest divisor of the process's share of the batch that the recipe allows. The rows of a group are
    computed at once, so either whole groups lie within a process, or a group spans whole processes.
    """
    if rows % world_size:
        fitting = [n for n in range(1, rows + 1) if rows % n == 0]
        nearest = min(fitting, key=lambda n: abs(n - world_size))
        raise UserError(
            f"batch.{key}: {rows} rows do not divide among {world_size} processes; "
            f"start {nearest}, or change batch.{key}"
        )
    share = rows // world_size
    fitting = [n for n in range(1, min(share, batch.micro_rows) + 1) if share % n == 0 and _holds(n, batch, world_size)]
    if not fitting:
        raise UserError(
            f"batch.group_rows: {batch.group_rows} rows are computed at once, and {world_size} process(es) of at most "
            f"{batch.micro_rows} rows (batch.micro_rows) cannot hold them; raise batch.micro_rows, start more "
            "processes, or compare fewer rows"
        )
    return max(fitting)


def _holds(micro: int, batch: BatchTable, world_size: int) -> bool:
    """Return whether every group lies within a process, or spans a number of whole processes."""
    size = batch.group_rows
    return micro % size == 0 or (size % micro == 0 and micro * world_size % size == 0)
