"""Differences to the reference, seed by seed, with p-values worked by hand."""

from __future__ import annotations

import pytest
from scipy import stats

from benchmarks.records.comparison import compare, difference
from benchmarks.records.entries import REFERENCE, Entry
from benchmarks.records.table import markdown


def results(aucs: list[float], flops: float) -> dict[int, dict[str, object]]:
    return {
        seed: {
            "auc": value,
            "rtd_loss": 0.4,
            "tokens": 2e6,
            "flops": flops,
            "seconds": 60.0,
            "tasks": {"topic": {"accuracy": 0.5, "f1": 0.4}},
        }
        for seed, value in enumerate(aucs, 1)
    }


FULL = [0.640, 0.642, 0.638, 0.641, 0.639]
HALF = [0.600, 0.602, 0.598, 0.601, 0.599]
LEVER = [0.641, 0.644, 0.641, 0.641, 0.643]
ENTRIES = [Entry(REFERENCE, "", (1.0, 0.5)), Entry("lever", "a change", (0.5,))]
RESULTS = {
    (REFERENCE, 1.0): results(FULL, 200e12),
    (REFERENCE, 0.5): results(HALF, 100e12),
    ("lever", 0.5): results(LEVER, 100e12),
}


def test_a_difference_is_students_test_for_pairs_with_one_side() -> None:
    """The differences are .001, .002, .003, 0 and .004.

    Their mean is .002, their deviation sqrt(2.5) / 1000, so that t = 2 / sqrt(.5) = 2.8284 with 4 degrees of freedom.
    """
    found = difference(results(LEVER, 1), results(FULL, 1))
    assert found and found.num_pairs == 5
    assert found.paired.mean == pytest.approx(0.002)
    assert found.p == pytest.approx(0.0237, abs=5e-5)  # of a table of t
    assert found.p == pytest.approx(stats.ttest_rel(LEVER, FULL, alternative="greater").pvalue)


def test_a_lever_that_is_worse_has_a_high_p() -> None:
    found = difference(results(FULL, 1), results(LEVER, 1))
    assert found and found.p == pytest.approx(stats.ttest_rel(FULL, LEVER, alternative="greater").pvalue)
    assert found.p == pytest.approx(1 - 0.0237, abs=5e-5)


def test_only_seeds_that_both_have_are_compared() -> None:
    few = {seed: result for seed, result in results(LEVER, 1).items() if seed in (2, 3)}
    found = difference(few, results(FULL, 1))
    assert found and found.num_pairs == 2 and found.paired.mean == pytest.approx(0.0025)
    assert difference({9: few[2]}, results(FULL, 1)) is None


def test_a_line_for_every_entry_and_length() -> None:
    """The lever reaches .642 with 100 TFLOP, and the reference .64 with 200."""
    full, half, lever = compare(ENTRIES, RESULTS)
    assert full.to_target is None and full.at_same_flops is None and full.reading is None
    assert half.to_target and half.to_target.paired.mean == pytest.approx(-0.04)
    assert lever.reading and lever.reading.ratio(lever.flops) == "more than 2.00x"
    assert lever.to_target and lever.to_target.paired.mean == pytest.approx(0.002)
    assert lever.at_same_flops and lever.at_same_flops.paired.mean == pytest.approx(0.042)
    assert lever.mean("topic, accuracy") == 0.5


def test_what_is_not_measured_has_no_line() -> None:
    lines = compare(ENTRIES, {**RESULTS, ("lever", 0.5): {}})
    assert [line.entry.name for line in lines] == [REFERENCE, REFERENCE]


def test_the_table() -> None:
    rows = markdown(compare(ENTRIES, RESULTS)).splitlines()
    cells = [cell.strip() for cell in rows[-1].strip("|").split("|")]
    assert cells[:8] == ["lever", "0.5", "5", "2.00", "100.0", "60", "0.6420 ± 0.0014", "more than 2.00x"]
    # 2.776 (of a table of t) times .001581 / sqrt(5)
    assert cells[8] == "+0.0020 ± 0.0020 (0.024)"
    assert cells[-1] == "a change" and len(set(map(len, (row.split("|") for row in rows)))) == 1
