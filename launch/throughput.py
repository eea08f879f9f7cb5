"""How fast a recipe trains on a GPU.

The value is a measurement of this project if there is one. Otherwise it is a range, from the share of the GPU's rate
that other projects reach up to the roofline.
"""

from __future__ import annotations

from dataclasses import dataclass

from configs.recipe import Recipe
from launch.gpus import Gpu
from launch.roofline import seconds_per_token, update_seconds


@dataclass(frozen=True)
class Measurement:
    """The measured speed of this project on one GPU of a kind, which may have been one of several."""

    gpu: str
    recipe: str  # the name of a shipped recipe
    row_length: int
    tokens_per_second: float  # of one GPU
    source: str  # command, machine and date


# The measurements made by `benchmarks/`, the newest last. There are none yet, because no GPU has run it.
MEASURED: tuple[Measurement, ...] = ()

# The width of a model, the share of the data sheet's bf16 rate that its training reaches in another project, and the
# source. The share is counted in model FLOPs, from the tokens per second that the source publishes.
PRACTICE = (
    (256, 0.057, "Ettin 17M on H100, JHU-CLSP/ettin-encoder-vs-decoder, pretraining/README.md"),
    (768, 0.187, "NVIDIA's ELECTRA-base on A100, DeepLearningExamples, TensorFlow2/LanguageModeling/ELECTRA/README.md"),
    (1024, 0.341, "Ettin 400M on H100, JHU-CLSP/ettin-encoder-vs-decoder, pretraining/README.md"),
)


@dataclass(frozen=True)
class Throughput:
    """Tokens per second of one GPU. The time of updating the weights is included."""

    low: float
    high: float
    source: str  # the source of a measurement; "" for an estimate


def throughput(
    recipe: Recipe, name: str, gpu: Gpu, parameters: int, tokens_per_update: int, update_flops: float = 0
) -> Throughput:
    """Look up or estimate the throughput.

    `tokens_per_update` is the number of tokens of one GPU in a step, and `update_flops` the number of FLOPs that Muon
    adds to a step there.
    """
    for measurement in reversed(MEASURED):
        if (measurement.gpu, measurement.row_length) == (name, recipe.data.row_length) and _same(measurement, recipe):
            return Throughput(measurement.tokens_per_second, measurement.tokens_per_second, measurement.source)
    narrow = gpu.narrow(recipe)
    update = update_seconds(parameters, gpu) + update_flops / gpu.flops(narrow)
    roofline = 1 / (seconds_per_token(recipe, gpu, narrow) + update / tokens_per_update)
    share, _ = practice(recipe)
    flops = flops_per_token(recipe) + update_flops / tokens_per_update
    return Throughput(min(share * gpu.sheet_flops(narrow) / flops, roofline), roofline, "")


def practice(recipe: Recipe) -> tuple[float, str]:
    """Return the share of the data sheet's rate that others reach with a model of this width, and its source.

    If there is no model of this width in `PRACTICE`, the next narrower model is taken.
    """
    width = max(recipe.model.discriminator.hidden, PRACTICE[0][0])
    _, share, who = [line for line in PRACTICE if line[0] <= width][-1]
    return share, who


def _same(measurement: Measurement, recipe: Recipe) -> bool:
    """Whether the measured recipe has the same networks, vocabulary size and masking rates as this recipe."""
    from configs.load import load

    other = load(measurement.recipe)
    return (other.model, other.vocabulary.size, other.masking.rate, other.corruption.masking_rate_end) == (
        recipe.model,
        recipe.vocabulary.size,
        recipe.masking.rate,
        recipe.corruption.masking_rate_end,
    )


def flops_per_token(recipe: Recipe) -> float:
    """Count the model FLOPs of a token in full rows."""
    from pretrain.step.flops import Work, model_flops

    length = recipe.data.row_length
    return model_flops(recipe, Work(length, recipe.mean_slots, length**2)) / length
