"""Bad input ends `electra adapt` with one sentence before the first part, and nothing is written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.adapt.checks import Checked
from launch.adapt.estimate import seconds_of_parts
from launch.adapt.order import Order
from launch.adapt.parts import Part
from launch.cli import app
from tests.launch.adapt.conftest import OVERRIDES

# what is wrong -> (arguments beside those of a good order, the sentence)
REFUSALS = {
    "an unknown model": (["--model", "./nowhere"], "./nowhere: no such folder, so it holds no model"),
    "no such text": (["--text", "{inputs}/none"], "none does not exist; name a file"),
    "no text in a folder": (["--text", "{empty}"], "{empty}"),
    "no such task": (["--task", "{inputs}/none"], "none: no such folder; a task is a folder"),
    "a task that cannot be read": (["--task", "{empty}"], "{empty}"),
    "tasks of one name": (["--task", "{inputs}/kinds", "--task", "{inputs}/kinds"], "several folders are named kinds"),
    "a key that tasks do not have": (["--task", "{inputs}/kinds", "--task-key", "epoch=1"], "did you mean epochs?"),
    "a metric that tasks do not have": (["--task", "{inputs}/kinds", "--task-key", "metric=bleu"], "is not measured"),
    "a general corpus of another vocabulary": (["--general", "{other}", "vocabulary.extend=0"], "of its vocabulary is"),
    "a general corpus with longer rows": (["--general", "{corpus}", "vocabulary.extend=0"], "has rows of 64 tokens"),
    "a general corpus without the new words": (["--general", "{corpus}"], "lacks the words that vocabulary.extend"),
    "a mixture of nothing": (["--mix", "0.2"], "there is none; name it with --general"),
    "a mixture of a corpus": (["--mix", "0.2", "--general", "{corpus}"], "--mix needs its text"),
    "sources twice": (["data.sources=x"], "--text and --general name the text here"),
    "an unknown key": (["schedule.step=5"], "did you mean schedule.steps?"),
    "an unknown recipe": (["--recipe", "adopt"], "unknown recipe adopt; did you mean adapt?"),
    "a recipe from the beginning": (["--recipe", "small", "vocabulary.extend=0"], "small: "),
    "rows longer than the model reads": (["data.row_length=64"], "above the 40 positions"),
    "more positions than the model has": (["model.max_positions=80"], "80, and {model} has 40, so the models before"),
    "no space for the models": (["run.keep_last=100000000"], "GB are needed: 100000001 checkpoints of"),
    "the folder of something else": (["--out", "{inputs}"], "is not empty and holds no adaptation"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_input(case: str, released_model: Path, inputs: Path, corpus_folder: Path, tmp_path: Path) -> None:
    arguments, sentence = REFUSALS[case]
    (tmp_path / "empty").mkdir()
    other = tmp_path / "other"
    if "{other}" in arguments:
        _corpus_of_other_words(inputs, other)
    places = {
        "model": released_model,
        "inputs": inputs,
        "empty": tmp_path / "empty",
        "corpus": corpus_folder,
        "other": other,
    }
    words = [argument.format(**places) if "{" in argument else argument for argument in arguments]
    model = words.pop(words.index("--model") + 1) if "--model" in words else str(released_model)
    words = [word for word in words if word != "--model"]
    text = [] if "--text" in words else ["--text", str(inputs / "domain.txt")]
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(app, ["adapt", model, *OVERRIDES, *text, *out, *words])
    assert answer.exit_code == 2, answer.output
    assert sentence.format(**places) in answer.stderr
    assert answer.stderr.strip().count("\n") == 0
    assert not (tmp_path / "out").exists()


def _corpus_of_other_words(inputs: Path, out: Path) -> None:
    text = f"data.sources={inputs / 'general.txt'}"
    overrides = ("vocabulary.size=900", "data.row_length=32", "data.validation_share=0.1", "masking.maskings=1")
    answer = CliRunner().invoke(app, ["prepare", "tiny", "--out", str(out), text, *overrides, "--workers", "1"])
    assert answer.exit_code == 0, answer.output


def test_without_matplotlib(
    released_model: Path, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    options = ["--text", str(inputs / "domain.txt"), "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(app, ["adapt", str(released_model), *options])
    assert answer.exit_code == 2
    assert "pip install 'electra-pretraining[report]'" in answer.stderr


def test_what_is_found_out(checked: Checked) -> None:
    assert checked.recipe.vocabulary.size == checked.domain.vocabulary.size
    assert checked.recipe.model.discriminator.hidden == 32
    assert checked.tests_with_model
    assert checked.detects
    assert [task.settings.epochs for task in checked.tasks] == [1]
    assert len(checked.fingerprint) == 64


def test_every_part_has_an_estimate(order: Order, checked: Checked, parts: list[Part]) -> None:
    seconds = seconds_of_parts(order, checked, parts)
    assert list(seconds) == [part.name for part in parts]
    assert all(value >= 10 for value in seconds.values())


def test_a_dry_run_writes_nothing(released_model: Path, inputs: Path, tmp_path: Path) -> None:
    options = ["--text", str(inputs / "domain.txt"), "--out", str(tmp_path / "out"), "--dry-run"]
    answer = CliRunner().invoke(app, ["adapt", str(released_model), *OVERRIDES, *options])
    assert answer.exit_code == 0, answer.output
    assert "[1/6] domain: turn the text of the domain into rows; about " in answer.stdout
    assert f"$ electra export {tmp_path / 'out' / 'run'} --out" in answer.stdout
    assert "an estimate, from short measurements on this machine" in answer.stdout
    assert not (tmp_path / "out").exists()
