"""A large text on many nodes, by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.load import load
from launch.cli import app
from launch.plan import plan
from launch.scale import Scale, bytes_of, first_limit, lines, scale
from tests.published import PUBLISHED

CLUSTERS = (Path(__file__).parent.parent.parent / "docs/clusters.md").read_text(encoding="utf-8")


def chinese(nodes: int = 16, network: str = "ndr-8", *overrides: str) -> Scale:
    return scale("180GB", "chinese", plan(load("zh_base", overrides), 8 * nodes, "h200"), nodes, network)


def test_the_preparation_by_hand() -> None:
    """180 GB at 15.4 MB/s are 11,688 seconds of one core, and tasks have 64 MiB."""
    assert chinese().preparation_hours == pytest.approx(3.2468, rel=1e-4)
    assert chinese().num_tasks == 2683  # 180e9 / 67,108,864 = 2,682.2
    small = scale("64MB", "english", plan(load("small"), 1, "h200"), 1, "ndr-8")
    assert small.num_tasks == 62  # a 64th of the text is less than 1 MiB, so a task has 1 MiB
    assert small.preparation_hours == pytest.approx(64 / 12.5 / 3600)


def test_the_corpus_by_hand() -> None:
    """There are 3.0238 bytes for a token. A row of 512 has 1,024 + 2 bytes, and three planes and ten maskings of 64."""
    assert chinese().tokens == pytest.approx(180e9 * 14_055_300 / 42_500_000)
    assert chinese().plan.row_bytes == 1024 + 2 + 13 * 64
    assert chinese().corpus_bytes == pytest.approx(59.5283e9 / 512 * 1858, rel=1e-5)
    # A million steps of 256 rows of 512 tokens.
    assert chinese().epochs == pytest.approx(131.072e9 / 59.5283e9, rel=1e-5)


def test_the_all_reduce_by_hand() -> None:
    """Eight adapters of 400 Gbit/s are 400 GB/s, and every node moves 15/16 of all gradients twice."""
    gradients = 4 * PUBLISHED["zh_base"].joint
    assert chinese().reducing_seconds == pytest.approx(2 * 15 / 16 * gradients / 400e9)
    assert chinese(1).reducing_seconds == 0
    assert chinese(16, "ethernet25").reducing_seconds == pytest.approx(128 * chinese().reducing_seconds)


def test_the_launches_by_hand() -> None:
    """24 layers launch 65 kernels each in 5 us each, for each micro-batch."""
    assert chinese().launching_seconds == pytest.approx(24 * 65 * 5e-6)
    assert chinese(1, "ndr-8", "batch.micro_rows=8").launching_seconds == pytest.approx(4 * 24 * 65 * 5e-6)
    assert chinese(1, "ndr-8", "compute.compile='cuda_graphs'").launching_seconds == pytest.approx(24 * 2 * 5e-6)


def test_a_step_launches_while_it_computes_and_then_reduces() -> None:
    for of in (chinese(), chinese(1)):
        assert of.computing_seconds == pytest.approx(256 * 512 / (of.plan.gpus * of.plan.throughput.high))
    assert chinese().step_seconds == chinese().launching_seconds + chinese().reducing_seconds
    assert chinese(1).step_seconds == chinese(1).computing_seconds
    assert chinese().bytes_read_per_second == pytest.approx(256 * 1858 / chinese().step_seconds)


def test_the_disk_by_hand() -> None:
    """Four checkpoints of 12 bytes for each parameter."""
    expected = 180e9 + chinese().corpus_bytes + 4 * 12 * PUBLISHED["zh_base"].joint
    assert chinese().disk_bytes == pytest.approx(expected)


@pytest.mark.parametrize(
    ("network", "overrides", "sentence"),
    [
        ("ndr-8", (), "the launches: 4.4 times the arithmetic of a step, in which a GPU has 2 rows; compute.compile"),
        ("ethernet25", (), "the all-reduce: 150 times the arithmetic of a step, in which a GPU has 2 rows; a faster"),
        ("ndr-8", ("batch.rows=8192", "batch.micro_rows=64"), "the launches: 0.25 times the arithmetic of a step"),
    ],
)
def test_what_breaks_first(network: str, overrides: tuple[str, ...], sentence: str) -> None:
    assert first_limit(chinese(16, network, *overrides)).startswith(sentence)


def test_sizes() -> None:
    assert [bytes_of(text) for text in ("180GB", "1.5 TB", "20kB", "7B")] == [180e9, 1.5e12, 20_000, 7]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--text-bytes 180", "--text-bytes: '180' is no size; write 180GB"),
        ("--text-bytes 0GB", "--text-bytes: '0GB' is no size"),
        ("--text-bytes 0.5B", "--text-bytes: '0.5B' is no size"),
        ("--text-bytes 180GB --language klingon", "--language: unknown language klingon; there are english, chinese"),
        ("--text-bytes 180GB --network ndr8", "--network: unknown network ndr8; did you mean ndr-8?"),
        ("--text-bytes 180GB --budget 3", "plan: give --budget or --text-bytes, and not both"),
        ("--text-bytes 180GB --nodes 3", "batch.rows: 256 rows do not divide among 3 processes"),
    ],
)
def test_refusals(arguments: str, sentence: str) -> None:
    answer = CliRunner().invoke(app, ["plan", "zh_base", "--gpu", "h200", *arguments.split()])
    assert answer.exit_code == 2 and sentence in answer.stderr, answer.output


@pytest.mark.parametrize(("nodes", "said"), [(1, "zh_base on 1 node with 8 x"), (16, "zh_base on 16 nodes with 128 x")])
def test_the_first_line_counts_the_nodes(nodes: int, said: str) -> None:
    assert said in next(lines(chinese(nodes)))


def test_the_example_is_what_is_printed() -> None:
    shown = re.search(r"```\n\$ electra (plan .+--text-bytes.+)\n([\s\S]+?)```", CLUSTERS)
    assert shown and CliRunner().invoke(app, shown[1].split()).stdout == shown[2]
