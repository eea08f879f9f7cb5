"""The configuration of DeepSpeed, which is made from the recipe."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import ValidationError

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.share import micro_rows
from pretrain.step.world import World, precision

# These tables of DeepSpeed would silently override the precision, the optimizer and the schedule of the recipe.
_DECIDED_ELSEWHERE = ("bf16", "fp16", "amp", "optimizer", "scheduler", "data_types", "communication_data_type")
# DeepSpeed's timers look for a tensor in the result of a model, and the result of ours is a table.
_TIMERS = ("wall_clock_breakdown", "flops_profiler")
# The default of reduce_bucket_size in DeepSpeed (runtime/zero/config.py, 0.19.8).
_LARGEST_BUCKET = 500_000_000


def configuration(recipe: Recipe, world: World, parameters: int) -> dict[str, Any]:
    """The dictionary that configures DeepSpeed for a model with this number of parameters.

    Raises UserError when `[deepspeed]` contradicts the rest of the recipe.
    """
    micro = micro_rows(recipe, world.size)
    dtype = precision(recipe.compute.precision, world.device)
    ours: dict[str, Any] = {
        "train_batch_size": recipe.batch.rows,
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": recipe.batch.rows // (micro * world.size),
        "zero_optimization": {"stage": recipe.compute.zero_stage},
        "zero_allow_untested_optimizer": True,
        "gradient_clipping": recipe.optimizer.clip_norm if recipe.compute.zero_stage else 0.0,
        # The weights stay in fp32 and only matrix products run in bf16, so a checkpoint is exact in either precision.
        # The list of modules that are safe in lower precision is empty, so that ZeRO adds up gradients in fp32 too.
        "torch_autocast": {
            "enabled": dtype == torch.bfloat16,
            "dtype": "bfloat16",
            "lower_precision_safe_modules": [],
        },
        "steps_per_print": None,
    }
    for key in _TIMERS:
        if key in recipe.deepspeed:
            raise UserError(f"{recipe.name}: deepspeed.{key}: does not work with this model; leave it out")
    made = _add(ours, recipe.deepspeed, f"{recipe.name}: deepspeed.")
    if recipe.compute.zero_stage:
        made["zero_optimization"]["reduce_bucket_size"] = reduce_bucket(recipe, parameters)
    return made


def _add(ours: dict[str, Any], more: dict[str, Any], where: str) -> dict[str, Any]:
    """Add the keys of `more` to `ours`. Raises UserError for a key that the recipe already decides."""
    merged = dict(ours)
    for key, value in more.items():
        mine = ours.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            merged[key] = _add(mine, value, f"{where}{key}.")
        elif mine not in (None, value) or key in _DECIDED_ELSEWHERE:
            raise UserError(f"{where}{key}: the recipe's own tables decide this; leave it out")
        else:
            merged[key] = value
    return merged


def reduce_bucket(recipe: Recipe, parameters: int) -> int:
    """How many gradients ZeRO reduces at a time.

    `[deepspeed]` may give the number. Otherwise it is the number of all gradients, but at most DeepSpeed's default.
    With the default, DeepSpeed would make a buffer of 2 GB for any model. Raises UserError if the given value is not a
    whole number of gradients.
    """
    zero: Any = recipe.deepspeed.get("zero_optimization", {})
    if not isinstance(zero, dict):
        raise UserError(f"{recipe.name}: deepspeed.zero_optimization: a table is expected, not {zero!r}")
    size: Any = zero.get("reduce_bucket_size", min(parameters, _LARGEST_BUCKET))
    if not isinstance(size, int | float) or size < 1 or size % 1:
        raise UserError(
            f"{recipe.name}: deepspeed.zero_optimization.reduce_bucket_size: a whole number of gradients is expected, "
            f"not {size!r}"
        )
    return int(size)


def refused(recipe: Recipe, error: Exception) -> UserError:
    """The UserError for an exception that DeepSpeed raised when it checked or used the table `[deepspeed]`."""
    said = f"{type(error).__name__}, {error}"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        said = f"{error.title}, {key} = {first['input']!r}: {first['msg']}"
    return UserError(f"{recipe.name}: deepspeed: DeepSpeed does not take this table ({said})")
