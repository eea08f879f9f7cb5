"""Fine-tune with `electra evaluate MODEL --task FOLDER`: a tiny model learns an easy task, the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from launch.cli import app
from tests.pretrain.evaluation.tasks.conftest import model, models
from tests.pretrain.evaluation.tasks.toy import (
    FAST,
    choices,
    classes,
    made,
    pairs,
    questions,
    relations,
    several_labels,
    some_unanswerable,
    tags,
    task,
    terms,
)
from tests.released import release

__all__ = ["model", "models"]  # fixtures


def evaluated(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    file = tmp_path / "scores.json"
    answer = CliRunner().invoke(app, ["evaluate", *arguments, "--json", str(file)])
    assert answer.exit_code == 0, answer.output
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("make", "overrides", "metric", "least"),
    [
        (classes, (), "accuracy", 0.9),
        (several_labels, ("epochs=20", "learning_rate=1e-3"), "micro_f1", 0.95),
        (pairs, (), "spearman", 0.9),
        (tags, ("length=12",), "f1", 0.95),
        (questions, ("length=20", "epochs=8"), "exact_match", 0.8),
        (choices, (), "accuracy", 0.9),
        (some_unanswerable, ("length=20", "epochs=10"), "f1", 0.8),
        (terms, ("candidates=4", "learning_rate=1e-3"), "f1", 0.9),
        (relations, ("epochs=30", "learning_rate=1e-3"), "f1", 0.9),
    ],
)
def test_what_can_be_told_apart_is_learned(
    model: Path, tmp_path: Path, make: Any, overrides: tuple[str, ...], metric: str, least: float
) -> None:
    results = evaluated(tmp_path, str(model), "--task", str(made(tmp_path, make)), "--seeds", "1", *FAST, *overrides)
    (result,) = results["tasks"]
    metrics = {name: spread["mean"] for name, spread in result["models"][str(model)].items()}
    assert metrics[metric] >= least, metrics
    if make is some_unanswerable:
        assert metrics["best_f1"] >= metrics["f1"] and metrics["best_exact_match"] >= metrics["exact_match"]
    if make is terms:
        assert metrics["among_candidates"] == 1


def test_seeds_differ_and_a_seed_is_a_seed(models: Path, model: Path, tmp_path: Path) -> None:
    """Two models are compared side by side, and twice; their difference is taken seed by seed."""
    folder, other = task(tmp_path, pairs), models / "other"
    if not other.exists():
        release(models, models / "vocab.txt", names=("other", "unused"), max_positions=64)
    picture = tmp_path / "picture.svg"
    arguments = (str(model), "--task", str(folder), "--against", str(other), "--seeds", "2", *FAST, "epochs=1")
    results = evaluated(tmp_path, *arguments, "--picture", str(picture))
    (tmp_path / "again").mkdir()
    assert results == evaluated(tmp_path / "again", *arguments)
    (result,) = results["tasks"]
    model_scores, other_scores = (result["models"][str(name)]["spearman"]["values"] for name in (model, other))
    # Both folders hold the same weights, so the same seed gives the same score.
    assert model_scores == other_scores and model_scores[0] != model_scores[1]
    assert result["difference"]["spearman"] == {"mean": 0, "deviation": 0, "values": [0, 0]}
    assert result["settings"][str(model)]["learning_rate"] == 3e-3
    shown = "".join(ElementTree.fromstring(picture.read_text()).itertext())
    assert str(model) in shown and str(other) in shown and "spearman" in shown


REFUSED = {
    "holds a generator alone, and fine-tuning needs a discriminator": ("{models}/only", "--task", "{task}"),
    "there is neither tokenizer.json nor vocab.txt beside it": ("{models}/bare", "--task", "{task}"),
    "--task: unknown key epoch; did you mean epochs?": ("{model}", "--task", "{task}", "epoch=3"),
    "--task: layer_decay: 2.0 is not less than or equal to 1": ("{model}", "--task", "{task}", "layer_decay=2.0"),
    "metric: 'bleu' is not measured for toy": (
        "{model}",
        "--task",
        "{task}",
        "--seeds",
        "1",
        "epochs=1",
        "metric=bleu",
    ),
    "is the model itself": ("{model}", "--task", "{task}", "--against", "{model}"),
    "name a file that ends in .svg": ("{model}", "--task", "{task}", "--picture", "p.png"),
    "--rows, --generator and --tokens are for --corpus": ("{model}", "--task", "{task}", "--rows", "3"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_refused(sentence: str, models: Path, model: Path, tmp_path: Path) -> None:
    if not (models / "bare").exists():
        (models / "only").symlink_to(models / "x-generator")
        release(models, names=("bare", "bare-2"))
    paths = {"models": models, "model": model, "task": task(tmp_path, classes)}
    answer = CliRunner().invoke(app, ["evaluate", *(part.format(**paths) for part in REFUSED[sentence])])
    assert answer.exit_code == 2
    assert sentence in answer.stderr
