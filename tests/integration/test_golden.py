"""Compare the losses of `tiny` with the stored losses, so that a change of the losses is seen and named in its commit.

On the processor that computed the stored losses, and with its number of threads, they are equal bit for bit. Other
processors add up in another order. With one and two threads, and with the instructions of plain x86-64, AVX2 and
AVX-512, the losses of 20 steps differed by at most 2e-7 of their size, which is two of fp32's last bits, and the norm
of the gradients by 1e-6. The test tolerates ten times as much. No sample may be decided by rounding: one of 2,048
tokens is 1e-4 of the loss.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrain.step.world import World
from tests.golden_losses import GOLDEN, NAMES, measure

TOLERANCE = dict.fromkeys(NAMES, 2e-6) | {"gradient_norm": 1e-5}


def test_the_losses_of_tiny(world: World, tmp_path: Path) -> None:
    expected, measured = json.loads(GOLDEN.read_text()), measure(tmp_path, world)
    assert measured["shards"] == expected["shards"], "the corpus is another one, so are the losses"
    for step, (now, then) in enumerate(zip(measured["steps"], expected["steps"], strict=True), start=1):
        for name, value in then.items():
            assert now[name] == pytest.approx(value, rel=TOLERANCE[name], abs=0), (step, name)
