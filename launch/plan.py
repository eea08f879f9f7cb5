"""`electra plan`: what a recipe asks of GPUs before anything is submitted: memory, time, disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.share import micro_rows
from data_prep.shards import row_dtype
from launch.gpus import BANDWIDTH, PRODUCTS, Gpu, gpu_of
from launch.throughput import Throughput, practice, throughput

if TYPE_CHECKING:
    from pretrain.step.memory import Memory

_GIB = 2**30


@dataclass(frozen=True)
class Plan:
    recipe: Recipe
    name: str  # of the GPU
    gpu: Gpu
    gpus: int
    parameters: int
    micro_rows: int  # rows that a GPU takes at once, by the recipe
    memory: Memory  # of each GPU, by the recipe
    largest: int  # rows that a GPU could take at once
    throughput: Throughput  # of each GPU

    @property
    def accumulation(self) -> int:
        """Micro-batches of a step on each GPU."""
        return self.recipe.batch.rows // self.gpus // self.micro_rows

    @property
    def tokens(self) -> int:
        """That the run computes to its end: where a step shows two views of a row, both."""
        return self.recipe.schedule.steps * _tokens_of_step(self.recipe)

    @property
    def hours(self) -> tuple[float, float]:
        """To the recipe's end, at the higher and at the lower rate."""
        seconds = self.tokens / self.gpus
        return seconds / self.throughput.high / 3600, seconds / self.throughput.low / 3600

    @property
    def checkpoints(self) -> tuple[int, int]:
        """How many there are at most, one that is being written included, and the bytes of each: 12 a parameter."""
        run = self.recipe.run
        for_good = self.recipe.schedule.steps // run.keep_every if run.keep_every else 0
        return run.keep_last + for_good + 1, 12 * self.parameters

    @property
    def row_bytes(self) -> int:
        """Of a row in a corpus."""
        recipe = self.recipe
        return row_dtype(recipe.data.row_length, recipe.vocabulary.size, recipe.masking.stored).itemsize


def plan(recipe: Recipe, gpus: int, name: str) -> Plan:
    """Raises UserError for an unknown GPU, a batch that the GPUs do not divide, and a row that does not fit."""
    from pretrain.step.memory import memory, num_parameters

    gpu, parameters = gpu_of(name), num_parameters(recipe)
    narrow = gpu.narrow(recipe)
    return Plan(
        recipe,
        name,
        gpu,
        gpus,
        parameters,
        micro_rows(recipe, gpus),
        memory(recipe, parameters, gpus, narrow),
        _largest(recipe, parameters, gpus, gpu),
        throughput(recipe, name, gpu, parameters, _tokens_of_step(recipe) // gpus),
    )


def _largest(recipe: Recipe, parameters: int, gpus: int, gpu: Gpu) -> int:
    """The most rows at once, of those that the batch can be cut into, that the memory of a GPU holds."""
    from pretrain.step.memory import memory

    rows, needed = recipe.batch.rows // gpus, 0
    while rows:
        cut = recipe.model_copy(update={"batch": recipe.batch.model_copy(update={"micro_rows": rows})})
        try:
            rows = micro_rows(cut, gpus)
        except UserError:
            break  # fewer cannot hold a group
        needed = memory(cut, parameters, gpus, gpu.narrow(recipe)).total
        if needed <= gpu.usable:
            return rows
        rows -= 1
    raise UserError(
        f"{recipe.name}: the fewest rows that can be computed at once need {needed / _GIB:.1f} GiB, and of this GPU "
        f"{gpu.usable / _GIB:.1f} GiB can be used; take a larger one, or more of them with compute.zero_stage=1"
    )


def _tokens_of_step(recipe: Recipe) -> int:
    return recipe.batch.rows * recipe.batch.views * recipe.data.row_length


def lines(plan: Plan) -> list[str]:
    """For people."""
    number, size = plan.checkpoints
    held, usable, seen = plan.memory.total, plan.gpu.usable, plan.recipe.schedule.steps * plan.recipe.batch.rows
    fits = "" if held <= usable else f"; this does not fit, set batch.micro_rows={plan.largest}"
    precision = {2: "bf16", 4: "fp32"}[plan.gpu.narrow(plan.recipe)]
    return [
        f"{plan.recipe.name} on {plan.gpus} x {plan.name} ({plan.gpu.sheet}), {precision}, "
        f"ZeRO {plan.recipe.compute.zero_stage}; {plan.parameters:,} parameters",
        f"  memory       {held / _GIB:.1f} of {usable / _GIB:.1f} GiB on each GPU: {_parts(plan.memory)}{fits}",
        f"  micro-batch  {plan.micro_rows} rows, {plan.accumulation} in a step on each GPU; {plan.largest} would fit",
        *_time(plan),
        f"  checkpoints  {number * size / 1e9:.1f} GB: {number} of {size / 1e9:.2f} GB at most",
        f"  corpus       {plan.row_bytes:,} bytes a row; a run that sees no row twice reads "
        f"{seen * plan.row_bytes / 1e9:,.1f} GB",
    ]


def _parts(memory: Memory) -> str:
    return ", ".join(f"{name} {size / _GIB:.1f}" for name, size in memory.parts().items())


def _time(plan: Plan) -> list[str]:
    rate, (least, most), gpus = plan.throughput, plan.hours, plan.gpus
    said = [
        f"  tokens/s     {_span(rate.low * gpus, rate.high * gpus)} on all GPUs ({rate.source or 'an estimate'})",
        f"  time         {_duration(least, most)} for {plan.tokens / 1e9:,.1f} G tokens in "
        f"{plan.recipe.schedule.steps:,} steps",
        f"  GPU hours    {_span(least * gpus, most * gpus)}",
    ]
    if rate.source:
        return said
    share, who = practice(plan.recipe)
    return [
        *said,
        f"  estimated    at best the roofline: {PRODUCTS:.0%} of the data sheet's products, {BANDWIDTH:.0%} of its "
        "bandwidth, full rows, no launches,",
        f"               nothing between GPUs; at worst {share:.1%} of the products, which others reach at this width:",
        f"               {who}",
    ]


def row(plan: Plan) -> str:
    """As the table of docs/clusters.md has it."""
    (least, most), gpus = plan.hours, plan.gpus
    cells = (
        f"`{plan.recipe.name}`",
        f"{gpus} x {plan.name}",
        f"{plan.memory.total / _GIB:.1f}",
        f"{plan.micro_rows} x {plan.accumulation}",
        f"{plan.largest}",
        _span(plan.throughput.low * gpus, plan.throughput.high * gpus),
        _span(least, most),
        _span(least * gpus, most * gpus),
    )
    return f"| {' | '.join(cells)} |"


def _duration(least: float, most: float) -> str:
    unit, hours = ("minutes", 1 / 60) if most < 1 else ("hours", 1) if most < 72 else ("days", 24)
    return f"{_span(least / hours, most / hours)} {unit}"


def _span(low: float, high: float) -> str:
    return _figure(low) if low == high else f"{_figure(low)} to {_figure(high)}"


def _figure(value: float) -> str:
    """Two digits: more would be false."""
    return f"{float(f'{value:.2g}'):,.{0 if value >= 9.95 else 1 if value >= 0.995 else 2}f}"
