"""Check `electra plan` by hand: the roofline of each component, and the plan that follows from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.load import load
from launch.cli import app
from launch.gpus import GPUS
from launch.plan import plan, row
from tests.published import PUBLISHED

H200 = GPUS["h200"]
MUON = ("optimizer.matrices=muon", "optimizer.momentum=0.95")
CLUSTERS = (Path(__file__).parent.parent.parent / "docs/clusters.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `\w+` \| \d+ x .+$", CLUSTERS, flags=re.MULTILINE)


def test_small_on_one_h200_by_hand() -> None:
    """The hours are for 16.384 G tokens at 169.1 + 6.8 ns each, and at 70.1 MFLOP each with 5.7 % of 989 TFLOP/s."""
    small = plan(load("small"), 1, "h200")
    assert small.tokens == 16_384_000_000
    assert small.hours == pytest.approx(
        (16.384e9 * 175.9e-9 / 3600, 16.384e9 * 70.1e6 / (0.057 * 989e12) / 3600), rel=5e-3
    )
    assert (small.micro_rows, small.accumulation, small.largest) == (128, 1, 128)
    assert small.checkpoints == (4, 12 * PUBLISHED["small"].joint)
    # A row has 128 ids of two bytes, the length in two bytes, and three planes and ten maskings of 16 bytes each.
    assert small.row_bytes == 256 + 2 + 13 * 16


def test_the_average_of_the_weights_makes_checkpoints_larger() -> None:
    averaged = plan(load("small", ["optimizer.average_decay=0.999"]), 1, "h200")
    assert averaged.checkpoints == (4, 16 * PUBLISHED["small"].joint)


def test_muon_by_hand() -> None:
    """Muon updates 144 * (256^2 + 64^2) parameters, which have one moment, and adds 3600 * (256^3 + 64^3) FLOPs."""
    adam, muon = (plan(load("small", keys), 1, "h200") for keys in ((), MUON))
    by_muon, flops = 144 * (256**2 + 64**2), 3600 * (256**3 + 64**3)
    assert muon.checkpoints == (4, 12 * PUBLISHED["small"].joint - 4 * by_muon)
    assert adam.memory.moments - muon.memory.moments == 4 * by_muon
    assert 16_384 / muon.throughput.high - 16_384 / adam.throughput.high == pytest.approx(flops / 791.2e12)
    answer = CliRunner().invoke(app, ["plan", "small", *MUON, "--gpu", "h200"])
    assert (
        f"Muon         {by_muon:,} parameters; 61.3 GFLOP in a step on each GPU, 5.3% of the model's" in answer.stdout
    )


def test_zero_divides_the_matrices_among_the_gpus() -> None:
    without, zero = (plan(load("small", [*MUON, f"compute.zero_stage={stage}"]), 8, "h200") for stage in (0, 1))
    assert zero.muon_flops == without.muon_flops / 8


def test_a_growing_batch_has_the_tokens_of_its_steps() -> None:
    """128 rows of 128 tokens in 1,000,000 steps, but 32, 64 and 96 rows in the first three times 10,000 steps."""
    small = plan(load("small", ["batch.rows_start=32", "batch.ramp_steps=30000"]), 1, "h200")
    assert small.tokens == 128 * (128 * 1_000_000 - (96 + 64 + 32) * 10_000)
    assert small.hours[0] == pytest.approx(plan(load("small"), 1, "h200").hours[0] * small.tokens / 16.384e9)


def test_accumulation_follows_from_the_gpus() -> None:
    eight = plan(load("large"), 8, "h200")
    assert (eight.micro_rows, eight.accumulation, eight.largest) == (16, 16, 128)
    assert plan(load("large"), 128, "h200").accumulation == 1


def test_what_does_not_fit_is_said_with_what_does() -> None:
    answer = CliRunner().invoke(app, ["plan", "base", "--gpu", "t4"])
    assert answer.exit_code == 0 and "this does not fit, set batch.micro_rows=16" in answer.stdout
    fits = CliRunner().invoke(app, ["plan", "base", "batch.micro_rows=16", "--gpu", "t4"])
    assert "does not fit" not in fits.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("base --gpu h20", "--gpu: unknown GPU h20; did you mean h200?"),
        ("base --gpu x", "unknown GPU x; there are h200, h100"),
        ("base --gpu h200 --gpus 3", "batch.rows: 256 rows do not divide among 3 processes; start 2"),
        ("health --gpu v100-16", "health: the fewest rows that can be computed at once need"),
        (
            "base --gpu h200 deepspeed.zero_optimization=3",
            "base: deepspeed.zero_optimization: a table is expected, not 3",
        ),
        ("adapt --gpu h200", "adapt: takes the shape of a released model; plan a recipe of that shape"),
    ],
)
def test_refusals(arguments: str, sentence: str) -> None:
    answer = CliRunner().invoke(app, ["plan", *arguments.split()])
    assert answer.exit_code == 2 and sentence in answer.stderr, answer.stderr


@pytest.mark.parametrize("shown", ROWS)
def test_the_table_of_sizes_is_what_is_computed(shown: str) -> None:
    name, gpus, gpu = re.findall(r"^\| `(\w+)` \| (\d+) x ([\w-]+) \|", shown)[0]
    assert row(plan(load(name), int(gpus), gpu)) == shown


def test_the_example_is_what_is_printed() -> None:
    shown = re.search(r"```\n\$ electra (plan .+)\n([\s\S]+?)```", CLUSTERS)
    assert shown and CliRunner().invoke(app, shown[1].split()).stdout == shown[2]


def test_a_run_has_no_more_checkpoints_than_it_writes() -> None:
    short = plan(
        load("tiny", ["schedule.steps=10", "schedule.warmup_steps=1", "run.save_every=4", "run.keep_last=50"]),
        1,
        "h200",
    )
    assert short.checkpoints[0] == 3  # after 4, 8 and 10 steps
