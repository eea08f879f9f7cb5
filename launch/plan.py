"""`electra plan` estimates the memory, time and disk space that a recipe needs, before anything is submitted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.share import micro_rows
from data_prep.shards import row_dtype
from launch.gpus import BANDWIDTH, PRODUCTS, Gpu, gpu_of
from launch.throughput import Throughput, flops_per_token, practice, throughput

if TYPE_CHECKING:
    from pretrain.step.memory import Memory

_GIB = 2**30


@dataclass(frozen=True)
class Plan:
    recipe: Recipe
    name: str  # name of the GPU
    gpu: Gpu
    gpus: int
    parameters: int
    num_trained: int  # the parameters that are not those of a frozen generator
    micro_rows: int  # rows that a GPU computes at once with this recipe
    memory: Memory  # memory that each GPU needs with this recipe
    largest: int  # the most rows that a GPU could compute at once
    throughput: Throughput  # tokens per second of each GPU
    by_muon: int  # the parameters that Muon updates
    muon_flops: float  # the FLOPs that Muon adds to a step of each GPU

    @property
    def accumulation(self) -> int:
        """Return the number of micro-batches of a step on each GPU."""
        return self.recipe.batch.rows // self.gpus // self.micro_rows

    @property
    def tokens(self) -> int:
        """Return the tokens that the whole run computes. If a step shows two views of a row, both are counted."""
        return self.recipe.num_rows * self.recipe.batch.views * self.recipe.data.row_length

    @property
    def hours(self) -> tuple[float, float]:
        """Return the hours of the whole run at the higher and at the lower throughput."""
        seconds = self.tokens / self.gpus
        return seconds / self.throughput.high / 3600, seconds / self.throughput.low / 3600

    @property
    def checkpoints(self) -> tuple[int, int]:
        """Return the largest number of checkpoints at a time and the bytes of each.

        These are 4 for each parameter, 8 for each that is trained by Adam and 4 by Muon, and with an average of the
        weights 4 more for each parameter. The number includes a checkpoint that is being written.
        """
        run = self.recipe.run
        for_good = self.recipe.schedule.steps // run.keep_every if run.keep_every else 0
        whole = 8 if self.recipe.optimizer.average_decay else 4
        most = min(run.keep_last + for_good + 1, math.ceil(self.recipe.schedule.steps / run.save_every))
        return most, whole * self.parameters + 8 * self.num_trained - 4 * self.by_muon

    @property
    def row_bytes(self) -> int:
        """Return the bytes of a row in a corpus."""
        recipe = self.recipe
        return row_dtype(recipe.data.row_length, recipe.vocabulary.size, recipe.masking.stored).itemsize


def plan(recipe: Recipe, gpus: int, name: str) -> Plan:
    """Return the plan of a recipe on so many GPUs of the kind `name`.

    Raises UserError for an unknown GPU, a batch that the GPUs cannot share, and a row that does not fit into memory.
    """
    from pretrain.step.memory import memory, num_frozen, num_parameters
    from pretrain.step.muon_costs import num_weights, update_flops

    gpu, parameters = gpu_of(name), num_parameters(recipe)
    num_trained = parameters - num_frozen(recipe)
    narrow = gpu.narrow(recipe)
    # ZeRO divides the matrices among the processes; without it each process computes all of them.
    muon_flops = update_flops(recipe) / (gpus if recipe.compute.zero_stage else 1)
    return Plan(
        recipe,
        name,
        gpu,
        gpus,
        parameters,
        num_trained,
        micro_rows(recipe, gpus),
        memory(recipe, parameters, gpus, narrow),
        _largest(recipe, parameters, gpus, gpu),
        throughput(recipe, name, gpu, num_trained, _tokens_of_step(recipe) // gpus, muon_flops),
        num_weights(recipe),
        muon_flops,
    )


def _largest(recipe: Recipe, parameters: int, gpus: int, gpu: Gpu) -> int:
    """Return the largest micro-batch that divides the batch and fits into the memory of a GPU."""
    from pretrain.step.memory import memory

    rows, needed = recipe.batch.rows // gpus, 0
    while rows:
        cut = recipe.model_copy(update={"batch": recipe.batch.model_copy(update={"micro_rows": rows})})
        try:
            rows = micro_rows(cut, gpus)
        except UserError:
            break  # Fewer rows cannot hold a group of rows that an objective compares.
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
    """Return the plan as lines for people to read."""
    number, size = plan.checkpoints
    held, usable, seen = plan.memory.total, plan.gpu.usable, plan.recipe.num_rows
    fits = "" if held <= usable else f"; this does not fit, set batch.micro_rows={plan.largest}"
    precision = {2: "bf16", 4: "fp32"}[plan.gpu.narrow(plan.recipe)]
    return [
        f"{plan.recipe.name} on {plan.gpus} x {plan.name} ({plan.gpu.sheet}), {precision}, "
        f"ZeRO {plan.recipe.compute.zero_stage}; {plan.parameters:,} parameters",
        f"  memory       {held / _GIB:.1f} of {usable / _GIB:.1f} GiB on each GPU: {_parts(plan.memory)}{fits}",
        f"  micro-batch  {plan.micro_rows} rows, {plan.accumulation} in a step on each GPU; {plan.largest} would fit",
        *_muon(plan),
        *_time(plan),
        f"  checkpoints  {number * size / 1e9:.1f} GB: {number} of {size / 1e9:.2f} GB at most",
        f"  corpus       {plan.row_bytes:,} bytes a row; a run that sees no row twice reads "
        f"{seen * plan.row_bytes / 1e9:,.1f} GB",
    ]


def _parts(memory: Memory) -> str:
    return ", ".join(f"{name} {size / _GIB:.1f}" for name, size in memory.parts().items())


def _muon(plan: Plan) -> list[str]:
    """Return the line about Muon. A step of the model is that of full rows."""
    if not plan.by_muon:
        return []
    step = flops_per_token(plan.recipe) * _tokens_of_step(plan.recipe) / plan.gpus
    return [
        f"  Muon         {plan.by_muon:,} parameters; {plan.muon_flops / 1e9:,.1f} GFLOP in a step on each GPU, "
        f"{plan.muon_flops / step:.1%} of the model's"
    ]


def _time(plan: Plan) -> list[str]:
    rate, (least, most), gpus = plan.throughput, plan.hours, plan.gpus
    estimates = [
        f"  tokens/s     {span(rate.low * gpus, rate.high * gpus)} on all GPUs ({rate.source or 'an estimate'})",
        f"  time         {duration(least, most)} for {plan.tokens / 1e9:,.1f} G tokens in "
        f"{plan.recipe.schedule.steps:,} steps",
        f"  GPU hours    {span(least * gpus, most * gpus)}",
    ]
    if rate.source:
        return estimates
    share, who = practice(plan.recipe)
    return [
        *estimates,
        f"  estimated    at best the roofline: {PRODUCTS:.0%} of the data sheet's products, {BANDWIDTH:.0%} of its "
        "bandwidth, full rows, no launches,",
        f"               nothing between GPUs; at worst {share:.1%} of the products, which others reach at this width:",
        f"               {who}",
    ]


def row(plan: Plan) -> str:
    """Return the plan as a row of the table in docs/clusters.md."""
    (least, most), gpus = plan.hours, plan.gpus
    cells = (
        f"`{plan.recipe.name}`",
        f"{gpus} x {plan.name}",
        f"{plan.memory.total / _GIB:.1f}",
        f"{plan.micro_rows} x {plan.accumulation}",
        f"{plan.largest}",
        span(plan.throughput.low * gpus, plan.throughput.high * gpus),
        span(least, most),
        span(least * gpus, most * gpus),
    )
    return f"| {' | '.join(cells)} |"


def duration(least: float, most: float) -> str:
    unit, hours = ("minutes", 1 / 60) if most < 1 else ("hours", 1) if most < 72 else ("days", 24)
    return f"{span(least / hours, most / hours)} {unit}"


def span(low: float, high: float) -> str:
    """Return a range, or a single number, with two digits. The estimate is not precise enough for more."""
    return _figure(low) if low == high else f"{_figure(low)} to {_figure(high)}"


def _figure(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.{0 if value >= 9.95 else 1 if value >= 0.995 else 2}f}"
