"""`electra plan --text-bytes` computes on paper what a text and a cluster ask of each other, and what breaks first.

Everything follows from measured rates (`launch/rates.py`), data sheets (`launch/gpus.py`, `launch/networks.py`) and the
plan of the run. The pace of training is the higher end of the plan's range, because everything else has to keep up
with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from configs.common.errors import UserError
from data_prep.sources.tasks import size_of_task
from launch.networks import Network, network_of
from launch.plan import Plan, duration, span
from launch.rates import OPERATORS, OPERATORS_PER_LAYER, PREPARATION, SECONDS_PER_LAUNCH, Language, language_of

_FP32 = 4
# Preparation is shown for these numbers of cores.
_CORES = (64, 256, 1024)
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kMGT]?)B")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def bytes_of(text: str) -> int:
    """Return the bytes of a size such as `180GB`. Raises UserError for any other text, and for nothing."""
    match = _SIZE.fullmatch(text)
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if not size:
        raise UserError(f"--text-bytes: {text!r} is no size; write 180GB, with kB, MB, GB or TB")
    return size


@dataclass(frozen=True)
class Scale:
    """A text, a run on all GPUs of a cluster, and the network between its nodes."""

    text_bytes: int
    language: Language
    plan: Plan
    nodes: int
    network: Network

    @property
    def preparation_hours(self) -> float:
        """Return the hours of one core that makes the corpus alone."""
        return self.text_bytes / self.language.bytes_per_second / 3600

    @property
    def num_tasks(self) -> int:
        """Return the number of tasks into which the text is divided, if it lies in uncompressed files."""
        return math.ceil(self.text_bytes / size_of_task(self.text_bytes))

    @property
    def tokens(self) -> float:
        return self.text_bytes / self.language.bytes_per_token

    @property
    def corpus_bytes(self) -> float:
        """Return the size of the corpus if its rows are full."""
        return self.tokens / self.plan.recipe.data.row_length * self.plan.row_bytes

    @property
    def epochs(self) -> float:
        """Return how many times the run reads each row."""
        recipe = self.plan.recipe
        return recipe.num_rows * recipe.data.row_length / self.tokens

    @property
    def computing_seconds(self) -> float:
        """Return the time of a step if nothing but the arithmetic takes time."""
        return self.plan.hours[0] * 3600 / self.plan.recipe.schedule.steps

    @property
    def launching_seconds(self) -> float:
        """Return the time in which the host launches the kernels of a step. The GPU computes meanwhile."""
        model = self.plan.recipe.model
        layers = model.generator.layers + model.discriminator.layers
        # A graph of each layer is launched once forward and once backward.
        launches = 2 if self.plan.recipe.compute.compile == "cuda_graphs" else OPERATORS_PER_LAYER
        return layers * launches * SECONDS_PER_LAUNCH * self.plan.accumulation

    @property
    def reducing_seconds(self) -> float:
        """Return the time of the all-reduce between nodes, which begins when the backward pass has ended.

        Each node sends and receives 2 (n - 1) / n times the gradients in fp32. Under ZeRO, a half of this is gradients
        and the other half weights.
        """
        gradients = _FP32 * self.plan.num_trained
        return 2 * (self.nodes - 1) / self.nodes * gradients / self.network.bytes_per_second

    @property
    def step_seconds(self) -> float:
        return max(self.computing_seconds, self.launching_seconds) + self.reducing_seconds

    @property
    def bytes_read_per_second(self) -> float:
        """Return the bytes of the corpus that all nodes together read."""
        return self.plan.recipe.batch.rows * self.plan.row_bytes / self.step_seconds

    @property
    def disk_bytes(self) -> float:
        number, size = self.plan.checkpoints
        return self.text_bytes + self.corpus_bytes + number * size


def scale(text: str, language: str, plan: Plan, nodes: int, network: str) -> Scale:
    """Return the scale of a text of a size such as `180GB`. Raises UserError for an unknown language or network."""
    return Scale(bytes_of(text), language_of(language), plan, nodes, network_of(network))


def lines(scale: Scale) -> Iterator[str]:
    """Yield the answer as lines for people to read."""
    plan, (number, size) = scale.plan, scale.plan.checkpoints
    nodes = "1 node" if scale.nodes == 1 else f"{scale.nodes:,} nodes"
    yield (
        f"an estimate for {scale.text_bytes / 1e9:,g} GB of text, and {plan.recipe.name} on {nodes} with "
        f"{plan.gpus:,} x {plan.name}"
    )
    yield f"  preparation  {scale.preparation_hours:,.1f} core hours{_hours_on_cores(scale)} cores; at most"
    yield f"               {scale.num_tasks:,}, a core for each task; training a vocabulary is not counted"
    yield (
        f"  corpus       {scale.tokens / 1e9:,.1f} G tokens of {scale.language.bytes_per_token:.2f} bytes; "
        f"{scale.corpus_bytes / 1e9:,.0f} GB; the run reads each row {span(scale.epochs, scale.epochs)} times"
    )
    yield f"  disk         {scale.disk_bytes / 1e9:,.0f} GB: text, corpus, {number} checkpoints of {size / 1e9:.2f} GB"
    yield (
        f"  a step       {_ms(scale.computing_seconds)} of arithmetic and, at the same time, "
        f"{_ms(scale.launching_seconds)} of launches; then {_ms(scale.reducing_seconds)} of all-reduce"
    )
    hours, share = scale.step_seconds * plan.recipe.schedule.steps / 3600, scale.computing_seconds / scale.step_seconds
    yield f"  the run      {duration(hours, hours)} at best, of which {share:.0%} is arithmetic"
    yield (
        f"  reading      {_megabytes(scale.bytes_read_per_second)} a second by all nodes, "
        f"{_megabytes(scale.bytes_read_per_second / scale.nodes)} by each"
    )
    yield f"  breaks first {first_limit(scale)}"
    yield from _sources(scale)


def first_limit(scale: Scale) -> str:
    """Return a sentence about the part that keeps the GPUs waiting most, and what helps."""
    parts = (
        (scale.launching_seconds, "launches", "compute.compile=cuda_graphs, a larger batch or fewer GPUs help"),
        (scale.reducing_seconds, "all-reduce", "a faster network, a larger batch or fewer nodes help"),
    )
    seconds, name, remedy = max(parts)
    rows = scale.plan.recipe.batch.rows / scale.plan.gpus
    return (
        f"the {name}: {span(*2 * [seconds / scale.computing_seconds])} times the arithmetic of a step, in which a GPU "
        f"has {rows:g} rows; {remedy}"
    )


def _sources(scale: Scale) -> Iterator[str]:
    yield "sources:"
    yield f"  preparation  {scale.language.bytes_per_second / 1e6:.2f} MB/s for each core: {PREPARATION}"
    yield "  arithmetic   the higher tokens/s of electra plan without --text-bytes"
    yield f"  launches     {OPERATORS_PER_LAYER} for each layer: {OPERATORS}"
    yield f"               {SECONDS_PER_LAUNCH * 1e6:g} us for each launch (assumed)"
    yield f"  all-reduce   gradients in fp32 at the full rate of {scale.network.sheet}"


def _hours_on_cores(scale: Scale) -> str:
    cores = [number for number in _CORES if number <= scale.num_tasks]
    return "".join(f", {duration(*2 * [scale.preparation_hours / number])} on {number:,}" for number in cores)


def _ms(seconds: float) -> str:
    return f"{span(1000 * seconds, 1000 * seconds)} ms"


def _megabytes(size: float) -> str:
    return f"{span(size / 1e6, size / 1e6)} MB"
