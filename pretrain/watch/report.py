"""The page of one run or of several: what was trained from which data, the curves, the health and the speed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, sha256_of, write_text
from configs.common.pages.rendering import render
from configs.common.secrets import without_secrets
from configs.folders import CORPUS_MANIFEST
from pretrain.watch.curves import AXES, score_figures, speed_figures
from pretrain.watch.history import Axis, History, read_history

PAGE = "report.html"
_FINAL = ("masked_accuracy", "mlm_loss", "auc", "precision", "recall")


def write_report(folders: Sequence[Path], out: Path, axis: Axis = "step") -> None:
    """Write the page `out`. Raises UserError for a folder that is no run, and without matplotlib."""
    if not find_spec("matplotlib"):
        raise UserError(
            "matplotlib: is not installed, and it draws the report; pip install 'electra-pretraining[report]'"
        )
    page = render("pretrain", "run.html", facts([read_history(folder) for folder in folders], axis))
    make_folder(out.absolute().parent)
    write_text(out, page)


def facts(runs: Sequence[History], axis: Axis) -> dict[str, Any]:
    """Collect everything that the page shows."""
    names = ", ".join(run.name for run in runs)
    return {
        "title": f"Run {names}" if len(runs) == 1 else f"Runs {names}",
        "axis": AXES[axis],
        "runs": [_facts_of(run) for run in runs],
        "scores": score_figures(runs, axis),
        "speed": speed_figures(runs, axis),
    }


def _facts_of(run: History) -> dict[str, Any]:
    held_out = run.evaluations("evaluation")
    return {
        "history": run,
        "verdict": run.verdict(),
        "final": {name: held_out[-1].get(name) for name in _FINAL} if held_out else {},
        "corpora": [_corpus(kind, run.starts[-1][kind]) for kind in ("corpus", "general") if kind in run.starts[-1]],
        "sources": [(without_secrets(source.path), source.licence) for source in run.recipe.data.sources],
        "fingerprint": run.recipe.fingerprint(),
        "wait": run.median("data_wait_share"),
        "utilisation": run.median("mfu"),
        "tokens_per_second": run.median("tokens_per_second"),
        "hours": run.position([run.last_step], "hours")[0],
    }


def _corpus(kind: str, identity: dict[str, str]) -> dict[str, Any]:
    """The corpus that the run was given, with its size if it is still where it was."""
    file = Path(identity["folder"]) / CORPUS_MANIFEST
    is_there = file.is_file() and sha256_of(file) == identity["manifest_sha256"]
    return {"kind": kind, **identity, "manifest": read_json(file) if is_there else None}
