"""The numbers of a GPU follow from its data sheet, in bytes, FLOP and seconds."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from configs.load import load
from launch.gpus import GPUS, gpu_of


def test_units_by_hand() -> None:
    gpu = gpu_of("a100-40")
    assert gpu.usable == int(0.9 * 40 * 2**30)
    assert gpu.bytes_per_second == pytest.approx(0.9 * 1555e9)
    assert (gpu.sheet_flops(2), gpu.sheet_flops(4)) == (312e12, 19.5e12)
    assert gpu.flops(2) == pytest.approx(0.8 * 312e12)
    # A GPU without bf16 units computes bf16 at its fp32 rate.
    assert gpu_of("t4").sheet_flops(2) == gpu_of("t4").sheet_flops(4) == 8.1e12


@pytest.mark.parametrize(("precision", "with_bf16", "without"), [("auto", 2, 4), ("bf16", 2, 2), ("fp32", 4, 4)])
def test_bytes_of_a_number(precision: str, with_bf16: int, without: int) -> None:
    recipe = load("tiny", [f"compute.precision={precision}"])
    assert (GPUS["h100"].narrow(recipe), GPUS["v100"].narrow(recipe)) == (with_bf16, without)


@pytest.mark.parametrize("name", ["h201", "", "法"])
def test_an_unknown_gpu_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--gpu: unknown GPU {name}"):
        gpu_of(name)
