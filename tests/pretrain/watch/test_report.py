"""The page of a run, from real runs and from metrics worked by hand."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.pages.rendering import render
from configs.folders import SAMPLES
from configs.load import load
from configs.recipe import Recipe
from launch.cli import app
from pretrain.run.logs import read_metrics
from pretrain.run.samples import SampleRow, Samples, Slot, read_samples
from pretrain.watch.curves import score_figures, speed_figures
from pretrain.watch.history import History, read_history
from pretrain.watch.report import PAGE, facts, report_at_the_end
from tests.trained import run as run


def history(recipe: Recipe, *lines: dict) -> History:
    return History(
        Path("r"), recipe, [{"command": ["x", "pretrain", "tiny", "--run", "my run"], "step": 0}] * 2, list(lines)
    )


def evaluated(step: int, kind: str = "evaluation", **scores: float | None) -> dict:
    values = {"mlm_loss": 5.0, "masked_accuracy": 0.3, "sampled_accuracy": 0.2, "auc": 0.6}
    return {"kind": kind, "step": step, **values, **scores}


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load("tiny", ["schedule.steps=1000", "schedule.warmup_steps=10", "batch.rows=4", "batch.micro_rows=4"])


def test_axes_by_hand(recipe: Recipe) -> None:
    """Ten steps of 4 rows take 20 s at 2 rows/s, and the next ten take 10 s at 4 rows/s."""
    slow = {"rows_per_second": 2.0, "tokens_per_second": 1000.0, "model_tflops_per_second": 0.5}
    fast = {"rows_per_second": 4.0, "tokens_per_second": 3000.0, "model_tflops_per_second": 2.0}
    lines = [{"kind": "training", "step": 10, **slow}, {"kind": "training", "step": 20, **fast}]
    made = history(recipe, *lines)
    assert made.position([0, 5, 20], "step") == [0, 5, 20]
    assert made.position([0, 5, 10, 20], "hours") == pytest.approx([0, 10 / 3600, 20 / 3600, 30 / 3600])
    assert made.position([10, 20], "tokens") == pytest.approx([0.02, 0.05])  # millions: 20 s x 1000, then 10 s x 3000
    assert made.position([10, 20], "flops") == pytest.approx([0.01, 0.03])  # PFLOP: 20 s x .5 TFLOP/s, then 10 s x 2


def test_problems_are_named_once_at_their_first_step(recipe: Recipe) -> None:
    made = history(
        recipe,
        evaluated(0, auc=0.5),  # before anything can have been learned
        evaluated(0, "general"),
        evaluated(500, auc=0.51),
        evaluated(500, "general", mlm_loss=5.2),
        evaluated(1000, auc=0.51),
        evaluated(1000, "general", mlm_loss=5.3, auc=None),
    )
    findings = made.verdict().findings
    assert [finding.step for finding in findings] == [500, 500, 1000]
    assert "the discriminator's AUC is 0.510" in findings[0].sentence
    assert "the generator's loss has risen from 5.000 to 5.200" in findings[1].sentence
    assert "is not finite" in findings[2].sentence
    assert made.commands == ["electra pretrain tiny --run 'my run'"]


def test_the_page_of_a_run(run: Path) -> None:
    answer = CliRunner().invoke(app, ["report", str(run)])
    assert answer.exit_code == 0, answer.output
    page = (run / "report.html").read_text(encoding="utf-8")
    (run / "report.html").unlink()
    last = [line for line in read_metrics(run) if line["kind"] == "evaluation"][-1]
    provenance = read_json(run / "provenance.json")
    assert f'<td class="n">{last["auc"]:.3f}' in page
    assert provenance["recipe"] in page
    assert provenance["starts"][0]["corpus"]["manifest_sha256"] in page
    assert "12 of 12 steps" in page
    assert "too early at step 12 to judge" in page
    assert set(re.findall(r"""(?:src|href)=["']?([a-z]+:)""", page)) == {"data:"}
    assert page.count("<img ") == page.count('alt="') == 4 + 4 + 4
    assert "Held-out rows at step 12" in page and page.count('<div class="sentence">') == len(
        read_samples(run)[-1].rows
    )
    assert "training rows" in page  # the corpus is still there


BAD = "<script>alert('x')</script>&"
START = {
    "command": ["electra", "pretrain", BAD],
    "corpus": {"folder": BAD, "manifest_sha256": "0"},
    "packages": {BAD: "1"},
    **dict.fromkeys(("time", "device", "machine", "precision", "python", "commit"), BAD),
    "processes": 1,
    "step": 0,
}
ADAPTED = START | {"init_from": {"model": BAD}}


def test_everything_that_is_shown_is_escaped(recipe: Recipe, tmp_path: Path) -> None:
    """Names of folders, arguments of the command and tokens may hold marks of HTML."""
    made = History(Path(BAD), recipe, [ADAPTED], [evaluated(500, auc=0.5)])
    slot = Slot(position=0, shown=BAD, put=BAD)
    row = SampleRow(row=1, tokens=(BAD, "a"), slots=(slot,), suspicion=(0.5, None))
    (tmp_path / SAMPLES).write_text(Samples(kind="evaluation", step=500, rows=(row,)).model_dump_json())
    sampled = History(tmp_path, recipe, [ADAPTED], [evaluated(500)])
    page = render("pretrain", "run.html", facts([made, sampled], "step"))
    assert "at step 500" in page
    assert BAD not in page and page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;") > 20


def test_published_scores_are_shown_for_a_run_of_their_recipe(recipe: Recipe) -> None:
    small, metrics = load("small"), [evaluated(1)]
    runs = [History(Path("r"), small, [START], metrics), History(Path("r"), small, [ADAPTED], metrics)]
    page = render("pretrain", "run.html", facts(runs[:1], "step"))
    assert "CoLA 56.8, SST-2 88.3" in page and "github.com/google-research/electra" in page
    # A run that began with weights was trained longer than its recipe says.
    others = [*runs[1:], History(Path("r"), recipe, [START], metrics)]
    assert "CoLA" not in render("pretrain", "run.html", facts(others, "step"))


@pytest.mark.parametrize("failure", ["matplotlib", "folder"])
def test_a_finished_run_never_fails_because_of_its_page(
    run: Path, failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report_at_the_end(run) is None
    (run / PAGE).unlink()
    if failure == "matplotlib":
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    else:
        (run / PAGE).mkdir()
    sentence = report_at_the_end(run)
    assert sentence and sentence.startswith("no report.html was written (")
    if failure == "folder":
        (run / PAGE).rmdir()
    assert not (run / PAGE).exists()


def test_several_runs_over_each_other(run: Path, tmp_path: Path) -> None:
    histories = [read_history(run), read_history(run)]
    alone, together = score_figures(histories[:1]), score_figures(histories, "tokens")
    assert "training from" in alone[0].description
    assert "training from" not in together[0].description
    assert "by million tokens" in together[0].description
    assert f"{run}, held out from" in together[0].description
    assert len(speed_figures(histories, "hours")) == 4
    answer = CliRunner().invoke(app, ["report", str(run), str(run)])
    assert answer.exit_code == 2
    assert "name a file with --out" in answer.stderr
    page = tmp_path / "new" / "page.html"
    answer = CliRunner().invoke(app, ["report", str(run), str(run), "--out", str(page), "--by", "flops"])
    assert answer.exit_code == 0, answer.output
    assert page.read_text(encoding="utf-8").count("12 of 12 steps") == 2


def test_runs_with_other_held_out_rows_are_not_compared_in_silence(run: Path, tmp_path: Path) -> None:
    """The run itself, with another number of rows, and on another corpus."""
    sentence = "cannot be\ncompared"
    copies = {name: Path(shutil.copytree(run, tmp_path / name)) for name in ("same", "rows", "corpus")}
    recipe, provenance = copies["rows"] / "recipe.toml", copies["corpus"] / "provenance.json"
    recipe.write_text(re.sub(r"evaluate_rows = \d+", "evaluate_rows = 3", recipe.read_text()))
    [digest] = set(re.findall(r'"manifest_sha256": "(\w+)"', provenance.read_text()))
    provenance.write_text(provenance.read_text().replace(digest, "0" * 64))
    for name, copy in copies.items():
        page = render("pretrain", "run.html", facts([read_history(run), read_history(copy)], "step"))
        assert (sentence in page) == (name != "same"), name


def test_what_has_no_report(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="is no run; name a folder"):
        read_history(tmp_path)
    for name in ("recipe.toml", "provenance.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    with pytest.raises(UserError, match="has logged nothing yet"):
        read_history(tmp_path)
    (tmp_path / "metrics.jsonl").write_text(json.dumps(evaluated(0)) + "\n")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert answer.exit_code == 2
    assert "pip install 'electra-pretraining[report]'" in answer.stderr
    assert not (tmp_path / "report.html").exists()
