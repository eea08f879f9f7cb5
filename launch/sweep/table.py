"""The results of a sweep as rows of cells, which the terminal, sweep.txt and sweep.html show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table

from launch.sweep.comparison import RecipeResult, RecipeScore, is_better_low
from launch.sweep.definition import DETECTION, Sweep
from launch.sweep.progress import state

_NONE = "–"
_WIDTH = 200
# These scores test a discriminator with the replacements of its own generator.
_OF_OWN_GENERATOR = (*DETECTION, "rtd_loss")


def title(score: str) -> str:
    name = "AUC" if score == "auc" else score.replace("_", " ")
    return f"{name}, lower is better" if is_better_low(score) else name


def headings(sweep: Sweep) -> list[str]:
    return ["recipe", "runs", "PFLOP", "mean ± deviation", f"minus {sweep.baseline} (95 %)", "p", ""]


def rows(sweep: Sweep, results: Sequence[RecipeResult], score: str) -> list[list[str]]:
    """Return the cells of each recipe, in the order of SWEEP.toml."""
    return [_row(sweep, result, result.scores[score]) for result in results]


def notes(sweep: Sweep, results: Sequence[RecipeResult]) -> Iterator[str]:
    """Yield the sentences that a reader of the table should know."""
    num_finished = sum(result.num_finished for result in results)
    if num_finished < len(sweep.trials):
        yield f"{num_finished} of {len(sweep.trials)} runs are finished, and only these are compared."
    yield (
        "A difference is taken seed by seed. The interval and p are those of Student's t-test for paired samples, and "
        "are not corrected for the number of recipes: of twenty recipes that change nothing, one has p < 0.05 on "
        "average."
    )
    if tested := [score for score in sweep.scores if score in _OF_OWN_GENERATOR]:
        yield (
            f"{', '.join(tested)}: each discriminator is tested with the replacements of its own generator, and a "
            "better generator is harder to detect. Compare recipes with different generators by fine-tuning, or by "
            "`electra evaluate RUN --generator MODEL`, which gives all of them the same replacements."
        )


def text(sweep: Sweep, results: Sequence[RecipeResult]) -> str:
    """Return the tables as text."""
    console = Console(file=StringIO(), width=_WIDTH)
    for score in sweep.scores:
        table = Table(title=title(score), title_justify="left", title_style="", box=None, padding=(0, 2, 0, 0))
        for number, heading in enumerate(headings(sweep)):
            table.add_column(heading, justify="left" if number in (0, 6) else "right", no_wrap=True)
        for cells in rows(sweep, results, score):
            table.add_row(*cells)
        console.print(table)
        console.print()
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return "\n".join([*lines, *_unfinished(sweep), *notes(sweep, results)]) + "\n"


def _unfinished(sweep: Sweep) -> Iterator[str]:
    for trial in sweep.trials:
        if (now := state(trial)) != "finished":
            yield f"{trial}: {now}"


def _row(sweep: Sweep, result: RecipeResult, score: RecipeScore) -> list[str]:
    return [
        result.name,
        f"{result.num_finished} of {len(sweep.seeds)}",
        _NONE if result.pflop is None else f"{result.pflop:.3g}",
        _mean(score),
        _difference(score),
        _NONE if score.difference is None or score.difference.p is None else f"{score.difference.p:.2g}",
        _remark(sweep, result, score),
    ]


def _mean(score: RecipeScore) -> str:
    if score.mean is None:
        return _NONE
    return f"{score.mean:.4f}" if score.deviation is None else f"{score.mean:.4f} ± {score.deviation:.4f}"


def _difference(score: RecipeScore) -> str:
    difference = score.difference
    if difference is None:
        return _NONE
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.4f}"
    return f"{difference.mean:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


def _remark(sweep: Sweep, result: RecipeResult, score: RecipeScore) -> str:
    remarks = ["baseline"] * (result.name == sweep.baseline) + ["on the Pareto line"] * score.is_on_pareto_line
    if score.not_finite:
        remarks.append(f"not finite with seed {', '.join(map(str, score.not_finite))}")
    if score.difference and score.num_pairs < len(sweep.seeds):
        remarks.append(f"{score.num_pairs} pairs")
    return ", ".join(remarks)
