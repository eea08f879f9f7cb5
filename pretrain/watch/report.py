"""The page of one run or of several: what was trained from which data, the curves, the health and the speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from configs.common.files import make_folder, read_json, sha256_of, write_text
from configs.common.pages.figures import require_matplotlib
from configs.common.pages.rendering import count, duration, figure, percent, render
from configs.common.secrets import without_secrets
from configs.folders import CORPUS_MANIFEST
from pretrain.run.distributions import read_distributions
from pretrain.run.samples import read_samples
from pretrain.run.step_lines import Line
from pretrain.watch.curves import AXES, score_figures, speed_figures
from pretrain.watch.distribution_figures import distribution_figures
from pretrain.watch.history import Axis, History, read_history
from pretrain.watch.published import published_for

PAGE = "report.html"
# score in the metrics -> its title, and how it is shown
_STANDING: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "mlm_loss": ("Generator: loss", figure),
    "masked_accuracy": ("Generator: masked accuracy", percent),
    "rtd_loss": ("Discriminator: loss", figure),
    "auc": ("Discriminator: AUC", figure),
    "best_precision": ("Discriminator: precision at the best threshold", percent),
    "best_recall": ("Discriminator: recall at the best threshold", percent),
    "best_threshold": ("Discriminator: best threshold", figure),
}
# title -> how it is shown for a run
_PROGRESS: dict[str, Callable[[History], str]] = {
    "tokens per second": lambda run: count(round(run.median("tokens_per_second") or 0)),
    "utilisation": lambda run: percent(run.median("mfu")),
    "waiting for data": lambda run: percent(run.median("data_wait_share")),
    "training time": lambda run: duration(3600 * run.total("hours")),
    "million tokens": lambda run: figure(run.total("tokens")),
    "PFLOP of the model": lambda run: f"{run.total('flops'):,.3g}",
    "skipped steps": lambda run: count(run.skipped_steps),
}


def write_report(folders: Sequence[Path], out: Path, axis: Axis = "step") -> None:
    """Write the page `out`. Raises UserError for a folder that is not a run, and without matplotlib."""
    require_matplotlib("it draws the report")
    page = render("pretrain", "run.html", facts([read_history(folder) for folder in folders], axis))
    make_folder(out.absolute().parent)
    write_text(out, page)


def report_at_the_end(run: Path) -> str | None:
    """Write the page of a run that has ended, and return a sentence if that is not possible.

    The run is saved, so nothing about its page may make it fail.
    """
    try:
        write_report([run], run / PAGE)
    except Exception as error:
        return f"no {PAGE} was written ({error}); the run itself is complete"
    return None


def facts(runs: Sequence[History], axis: Axis) -> dict[str, Any]:
    """Collect everything that the page shows."""
    names = ", ".join(run.name for run in runs)
    return {
        "title": f"Run {names}" if len(runs) == 1 else f"Runs {names}",
        "axis": AXES[axis],
        "runs": [_facts_of(run) for run in runs],
        "standing": _standings(runs),
        "same_rows": len({_rows(run) for run in runs}) == 1,
        "scores": score_figures(runs, axis),
        "distributions": distribution_figures(
            {run.name: line for run in runs if (line := _last(read_distributions(run.folder)))}
        ),
        "progress": [(title, [shown(run) for run in runs]) for title, shown in _PROGRESS.items()],
        "speed": speed_figures(runs, axis),
    }


def _facts_of(run: History) -> dict[str, Any]:
    samples = _last(read_samples(run.folder))
    return {
        "history": run,
        "verdict": run.verdict(),
        "samples": samples,
        "darkest": max((value for row in samples.rows for value in row.suspicion or () if value), default=1.0)
        if samples
        else 1.0,
        "corpora": [_corpus(kind, run.starts[-1][kind]) for kind in ("corpus", "general") if kind in run.starts[-1]],
        "sources": [(without_secrets(source.path), source.licence) for source in run.recipe.data.sources],
        "fingerprint": run.recipe.fingerprint(),
        "published": [] if _began_with_weights(run) else published_for(run.recipe),
    }


def _standings(runs: Sequence[History]) -> list[tuple[str, list[str]]]:
    """Return for each score that was measured: its title, and its value in the last evaluation of each run."""
    last = [(run.evaluations("evaluation") or [{}])[-1] for run in runs]
    return [
        (title, [shown(line.get(score)) for line in last])
        for score, (title, shown) in _STANDING.items()
        if any(score in line for line in last)
    ]


def _rows(run: History) -> tuple[Any, int]:
    """Return what decides which held-out rows a run is evaluated on: its corpus and their number."""
    corpus = run.starts[-1].get("corpus", {}) if run.starts else {}
    return corpus.get("manifest_sha256"), run.recipe.run.evaluate_rows


def _last(lines: Sequence[Line]) -> Line | None:
    """Return the last line that is about held-out rows of the corpus and the weights that are trained."""
    return next((line for line in reversed(lines) if line.kind == "evaluation"), None)


def _began_with_weights(run: History) -> bool:
    return any(key in start for start in run.starts for key in ("init_from", "continue_from"))


def _corpus(kind: str, identity: dict[str, str]) -> dict[str, Any]:
    """The corpus that the run was given, with its size if it is still where it was."""
    file = Path(identity["folder"]) / CORPUS_MANIFEST
    is_there = file.is_file() and sha256_of(file) == identity["manifest_sha256"]
    return {"kind": kind, **identity, "manifest": read_json(file) if is_there else None}
