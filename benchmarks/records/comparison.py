"""What every entry reached at every length: means over seeds, the reference's FLOPs for it, and paired differences."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.records.curve import Reading, read_curve
from benchmarks.records.entries import REFERENCE, Entry
from launch.paired import PairedDifference, paired_difference

# seed -> the result of a run
Results = Mapping[int, Mapping[str, Any]]
# The length at which the reference sets the target.
FULL = 1.0


@dataclass(frozen=True)
class Difference:
    """An entry minus the reference, seed by seed. p is one-sided: the chance of as high a mean if nothing changed."""

    paired: PairedDifference
    num_pairs: int
    p: float | None


@dataclass(frozen=True)
class Line:
    """The runs of an entry at one length."""

    entry: Entry
    length: float
    num_finished: int
    tokens: float
    flops: float
    seconds: float
    scores: dict[str, dict[int, float]]  # score -> seed -> value
    reading: Reading | None  # None without a curve
    to_target: Difference | None  # minus the reference at length 1
    at_same_flops: Difference | None  # minus the reference at the same length

    @property
    def auc(self) -> float:
        return self.mean("auc")

    def mean(self, score: str) -> float:
        return statistics.fmean(self.scores[score].values())

    def deviation(self, score: str) -> float | None:
        values = self.scores[score].values()
        return statistics.stdev(values) if len(values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {
            "means": {score: self.mean(score) for score in self.scores},
            "ratio": self.reading and self.reading.ratio(self.flops),
        }


def compare(entries: Sequence[Entry], results: Mapping[tuple[str, float], Results]) -> list[Line]:
    """Return a line for each entry and length with at least one finished run."""
    finished = {key: seeds for key, seeds in results.items() if seeds}
    curve = [(_mean(seeds, "flops"), _mean(seeds, "auc")) for (name, _), seeds in finished.items() if name == REFERENCE]
    return [
        _line(entry, length, finished, curve)
        for entry in entries
        for length in entry.lengths
        if (entry.name, length) in finished
    ]


def difference(results: Results, baseline: Results, score: str = "auc") -> Difference | None:
    """Return the mean difference over the seeds that both have. Without two such seeds there is no p."""
    seeds = sorted(results.keys() & baseline.keys())
    if not seeds:
        return None
    paired = paired_difference([results[seed][score] for seed in seeds], [baseline[seed][score] for seed in seeds])
    return Difference(paired, len(seeds), one_sided(paired))


def one_sided(paired: PairedDifference) -> float | None:
    """Return the p-value of Student's t-test against the alternative that the mean is above 0."""
    if paired.p is None:
        return None
    return paired.p / 2 if paired.mean > 0 else 1 - paired.p / 2


def _line(
    entry: Entry,
    length: float,
    finished: Mapping[tuple[str, float], Results],
    curve: Sequence[tuple[float, float]],
) -> Line:
    results = finished[entry.name, length]
    is_target = (entry.name, length) == (REFERENCE, FULL)
    target, same = finished.get((REFERENCE, FULL)), finished.get((REFERENCE, length))
    return Line(
        entry,
        length,
        len(results),
        _mean(results, "tokens"),
        _mean(results, "flops"),
        _mean(results, "seconds"),
        _scores(results),
        read_curve(curve, _mean(results, "auc")) if len(curve) > 1 and entry.name != REFERENCE else None,
        difference(results, target) if target and not is_target else None,
        difference(results, same) if same and entry.name != REFERENCE else None,
    )


def _scores(results: Results) -> dict[str, dict[int, float]]:
    """Return the AUC, the loss, and for each task the metric that it is judged by, by seed."""
    scores = {name: {seed: result[name] for seed, result in results.items()} for name in ("auc", "rtd_loss")}
    tasks = next(iter(results.values()))["tasks"]
    for task, metrics in tasks.items():
        main = next(iter(metrics))
        scores[f"{task}, {main}"] = {seed: result["tasks"][task][main] for seed, result in results.items()}
    return scores


def _mean(results: Results, name: str) -> float:
    return statistics.fmean(result[name] for result in results.values())
