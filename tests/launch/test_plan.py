"""Check `electra plan` by hand: the roofline of each component, and the plan that follows from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.load import load
from launch import throughput as throughputs
from launch.cli import app
from launch.gpus import GPUS
from launch.plan import plan, row
from launch.roofline import seconds_per_token, update_seconds
from launch.throughput import Measurement, practice
from tests.published import PUBLISHED

H200 = GPUS["h200"]
CLUSTERS = (Path(__file__).parent.parent.parent / "docs/clusters.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `\w+` \| \d+ x .+$", CLUSTERS, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "overrides", "components"),
    [
        # The components are the embeddings with their projections; in the discriminator the query, the key and value,
        # attention, output, residuals and LayerNorms, and feed-forward; the generator's layers; the vocabulary; loss
        # and sample; and the discriminator's head. They were worked out by hand at 790 TFLOP/s and 4.3 TB/s, with the
        # longer of the two times for each kernel.
        ("small", (), (1.5, 17.9, 17.1, 8.6, 21.4, 57.6, 29.6, 6.4, 8.5, 1.2)),
        ("small", ("data.row_length=512",), (1.5, 17.9, 23.9, 8.6, 21.4, 57.6, 31.3, 6.4, 8.5, 1.2)),
        ("base", ("data.row_length=128",), (5.7, 161, 51.4, 53.8, 64.3, 430, 122.6, 26.7, 8.5, 4.5)),
        ("base", (), (5.7, 161, 71.7, 53.8, 64.3, 430, 129.4, 26.7, 8.5, 4.5)),
        ("large", (), (7.5, 573, 191, 191, 172, 1529, 259, 59.4, 14.2, 8.0)),
    ],
)
def test_the_roofline_is_the_sum_of_its_components(name: str, overrides: tuple[str, ...], components: list) -> None:
    nanoseconds = 1e9 * seconds_per_token(load(name, overrides), H200, 2)
    assert nanoseconds == pytest.approx(sum(components), rel=0.01)


def test_a_layer_of_fp32_by_hand() -> None:
    """A V100 reaches 0.8 x 15.7 TFLOP/s and 0.9 x 900 GB/s.

    At width 768 only the LayerNorms are limited by memory; everything else is limited by the matrix products.
    """
    layers = [
        load("base", [f"model.discriminator={{layers={n}, hidden=768, heads=12, intermediate=3072}}"]) for n in (1, 2)
    ]
    one, two = (seconds_per_token(recipe, GPUS["v100"], 4) for recipe in layers)
    products = 6 * (4 * 768**2 + 2 * 768 * 3072) + 12 * 512 * 768
    assert two - one == pytest.approx(products / (0.8 * 15.7e12) + 2 * 29 * 768 / (0.9 * 900e9))


def test_an_update_by_hand() -> None:
    """An update moves 34 bytes for each of 14.2 M parameters at 4.32 TB/s.

    In a step of 16,384 tokens, this costs 6.8 ns per token.
    """
    assert update_seconds(14_196_219, H200) == pytest.approx(1.1173e-4, rel=1e-4)


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


def test_a_measurement_stands_over_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughputs, "MEASURED", (Measurement("h200", "base", 512, 5e5, "a command, a day"),))
    measured = plan(load("base", ["schedule.steps=20000"]), 8, "h200")
    assert measured.hours == pytest.approx(2 * [20_000 * 256 * 512 / (8 * 5e5) / 3600])
    assert "a command, a day" in CliRunner().invoke(app, ["plan", "base", "--gpu", "h200"]).stdout
    for other in (["data.row_length=128"], ["masking.rate=0.25"], ["model.embedding=512"]):
        assert not plan(load("base", other), 8, "h200").throughput.source


def test_others_are_compared_by_width() -> None:
    assert [practice(load(name))[0] for name in ("tiny", "small", "base", "large")] == [0.057, 0.057, 0.187, 0.341]


@pytest.mark.parametrize("shown", ROWS)
def test_the_table_of_sizes_is_what_is_computed(shown: str) -> None:
    name, gpus, gpu = re.findall(r"^\| `(\w+)` \| (\d+) x ([\w-]+) \|", shown)[0]
    assert row(plan(load(name), int(gpus), gpu)) == shown


def test_the_example_is_what_is_printed() -> None:
    shown = re.search(r"```\n\$ electra (plan .+)\n([\s\S]+?)```", CLUSTERS)
    assert shown and CliRunner().invoke(app, shown[1].split()).stdout == shown[2]
