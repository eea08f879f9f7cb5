"""The rows of a step are shared among processes."""

from __future__ import annotations

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.training_tables import BatchTable


def micro_rows(recipe: Recipe, world_size: int) -> int:
    """Return how many rows a process computes at once.

    It is the largest divisor of the process's share of the batch that the recipe allows. The rows of a group are
    computed at once, so either whole groups lie within a process, or a group spans whole processes. Raises UserError if
    the batch cannot be divided among the processes, or if they cannot hold a group.
    """
    batch = recipe.batch
    if batch.rows % world_size:
        fitting = [n for n in range(1, batch.rows + 1) if batch.rows % n == 0]
        nearest = min(fitting, key=lambda n: abs(n - world_size))
        raise UserError(
            f"batch.rows: {batch.rows} rows do not divide among {world_size} processes; "
            f"start {nearest}, or change batch.rows"
        )
    share = batch.rows // world_size
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
