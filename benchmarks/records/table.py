"""The results as a table of Markdown, with the sentences that a reader needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.records.comparison import Difference, Line

_NONE = "–"


def markdown(lines: Sequence[Line]) -> str:
    """Return one row for each entry and length."""
    others = [score for score in lines[0].scores if score != "auc"] if lines else []
    headings = ["recipe", "length", "runs", "M tokens", "TFLOP", "seconds", "AUC", "FLOPs ratio"]
    headings += ["minus the target (p)", "minus the reference at the same FLOPs (p)", *others, "change"]
    rows = [headings, ["---", *["---:"] * (len(headings) - 2), "---"]]
    rows += [_row(line, others) for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def notes() -> Iterator[str]:
    yield (
        "Length: the FLOPs of the run as a share of those of the reference's recipe; every run is a complete schedule."
    )
    yield (
        "FLOPs ratio: the FLOPs at which the reference's curve over its lengths reaches the mean AUC of the line, "
        "divided by the FLOPs of the line. The curve is interpolated and never extended: beyond its ends the ratio is "
        "`more than` or `less than` that of the end."
    )
    yield (
        "Target: the mean AUC of the reference at length 1. Differences are means over seeds, seed by seed, with half "
        "the width of the 95 % interval; p is one-sided, by Student's t-test for paired samples, and not corrected "
        "for the number of levers."
    )


def _row(line: Line, others: Sequence[str]) -> list[str]:
    return [
        line.entry.name,
        f"{line.length:g}",
        str(line.num_finished),
        f"{line.tokens / 1e6:.2f}",
        f"{line.flops / 1e12:.1f}",
        f"{line.seconds:.0f}",
        _score(line, "auc"),
        line.reading.ratio(line.flops) if line.reading else _NONE,
        _difference(line.to_target),
        _difference(line.at_same_flops),
        *(_score(line, score) for score in others),
        line.entry.about,
    ]


def _score(line: Line, score: str) -> str:
    deviation = line.deviation(score)
    return f"{line.mean(score):.4f}" + (f" ± {deviation:.4f}" if deviation is not None else "")


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return _NONE
    paired = difference.paired
    if paired.low is None or paired.high is None:
        return f"{paired.mean:+.4f}"
    p = f" ({difference.p:.2g})" if difference.p is not None else ""
    return f"{paired.mean:+.4f} ± {(paired.high - paired.low) / 2:.4f}{p}"
