"""How the rows of a step are shared among processes."""

from __future__ import annotations

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.training_tables import BatchTable


def micro_rows(recipe: Recipe, world_size: int) -> int:
    """Rows that a process takes at once: the largest divisor of its share of the batch that the recipe allows.

    Groups of rows are computed at once, so they divide it, or it divides them and the processes hold them whole.
    Raises UserError when the processes do not divide the batch, or cannot hold a group.
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
    """Whether every group lies within a process, or spans some whole processes."""
    size = batch.group_rows
    return micro % size == 0 or (size % micro == 0 and micro * world_size % size == 0)
