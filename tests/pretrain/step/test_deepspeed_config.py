"""DeepSpeed's dictionary comes from the recipe, and nothing beside it can contradict it."""

from __future__ import annotations

import re

import pytest
import torch

from configs.common.errors import UserError
from pretrain.model.pair import ElectraPair
from pretrain.step.deepspeed_config import configuration
from pretrain.step.engine import Engine
from pretrain.step.world import World, precision
from tests.pretrain import google

ALONE = World(0, 1, torch.device("cpu"), None)


def test_the_batch_is_one_number() -> None:
    made = configuration(
        google.PROJECTED.recipe("batch.rows=96", "batch.micro_rows=20"), World(0, 2, torch.device("cpu"), None), 1
    )
    keys = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps")
    assert [made[key] for key in keys] == [96, 16, 3]


def test_further_keys_are_passed_on() -> None:
    made = configuration(google.PROJECTED.recipe("deepspeed.zero_optimization.overlap_comm=false"), ALONE, 1)
    assert made["zero_optimization"] == {"stage": 0, "overlap_comm": False}


@pytest.mark.parametrize(
    ("overrides", "elements"),
    [((), 7), (("deepspeed.zero_optimization.reduce_bucket_size=3",), 3), (("compute.zero_stage=0",), None)],
)
def test_zeros_buffer_is_no_larger_than_the_model(overrides: tuple[str, ...], elements: int | None) -> None:
    made = configuration(google.PROJECTED.recipe("compute.zero_stage=1", *overrides), ALONE, 7)
    assert made["zero_optimization"].get("reduce_bucket_size") == elements


@pytest.mark.parametrize(
    "override",
    [
        "train_batch_size=3",
        "zero_optimization.stage=2",
        "zero_optimization=2",
        "train_batch_size.x=1",
        "gradient_clipping=2.0",
        "bf16.enabled=true",
        "fp16={enabled=true}",
        "optimizer={type='Adam'}",
    ],
)
def test_a_contradiction_is_refused_by_key(override: str) -> None:
    with pytest.raises(
        UserError, match=rf"deepspeed\.{override.split('=')[0].split('.')[0]}.* the recipe's own tables decide this"
    ):
        configuration(google.PROJECTED.recipe(f"deepspeed.{override}"), ALONE, 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("zero_optimization.foo=1", "DeepSpeedZeroConfig, foo = 1: Extra inputs are not permitted"),
        ("zero_optimization.reduce_bucket_size='x'", "a whole number of gradients is expected, not 'x'"),
        ("zero_optimization.reduce_bucket_size=inf", "a whole number of gradients is expected, not inf"),
        ("zero_optimization.reduce_bucket_size=0", "a whole number of gradients is expected, not 0"),
        ("wall_clock_breakdown=true", "deepspeed.wall_clock_breakdown: does not work with this model; leave it out"),
        ("flops_profiler.enabled=true", "deepspeed.flops_profiler: does not work with this model; leave it out"),
        ("zero_optimization.offload_optimizer.device='cpu'", "zero_force_ds_cpu_optimizer"),
        ("comms_logger=3", "TypeError"),
    ],
)
def test_what_deepspeed_does_not_take_is_a_sentence(world: World, override: str, message: str) -> None:
    recipe = google.PROJECTED.recipe("compute.zero_stage=1", f"deepspeed.{override}")
    with pytest.raises(UserError, match=re.escape(message)):
        Engine(ElectraPair(recipe), recipe, world)


def test_precision_is_what_was_asked_for() -> None:
    device = torch.device("cpu")
    assert precision("fp32", device) == torch.float32
    assert precision("bf16", device) == torch.bfloat16
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert precision("auto", device) == (torch.bfloat16 if native else torch.float32)
