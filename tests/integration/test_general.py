"""`--general`: another corpus is watched on the way, changes nothing, and must fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from configs.errors import UserError
from configs.load import load
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain import checkpoint
from pretrain.logs import read_metrics
from pretrain.show import show_run
from pretrain.train import train
from pretrain.world import World
from tests.conftest import SMALL, documents


def made(folder: Path, corpus: Path, *overrides: str) -> Corpus:
    """Of other text, with the vocabulary of `corpus`."""
    text = folder.with_suffix(".txt")
    text.write_text("\n\n".join(documents(60)[40:]), encoding="utf-8")
    source = f"vocabulary.source={corpus / 'tokenizer.json'}"
    prepare(load("tiny", [*SMALL, f"data.sources={text}", source, "data.validation_share=0.5", *overrides]), folder, 1)
    return Corpus(folder)


def evaluations(run: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_metrics(run) if line["kind"] == kind]


def test_general_rows_are_logged_beside_the_runs_own(
    corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path, capsys: Any
) -> None:
    # Masked by other numbers, which is no hindrance.
    general = made(tmp_path / "general", corpus_folder, "masking.rate=0.25", "masking.maskings=fresh")
    recipe, alone, watched = load("tiny", SMALL), tmp_path / "alone", tmp_path / "watched"
    assert train(recipe, corpus, alone, world, "auto")
    assert train(recipe, corpus, watched, world, "auto", general=general)
    steps = [line["step"] for line in evaluations(watched, "general")]
    assert steps == [line["step"] for line in evaluations(watched, "evaluation")] == [0, 6, 12]
    assert evaluations(watched, "evaluation") == evaluations(alone, "evaluation")
    assert evaluations(watched, "general") != evaluations(watched, "evaluation")
    said = capsys.readouterr().out
    assert "step 6/12  general text: masked accuracy" in said
    show_run(watched)
    assert "general" in capsys.readouterr().out
    assert any("general" in file.read_bytes().decode("latin-1") for file in (watched / "tensorboard").iterdir())
    # Taken up again, what was logged is not logged twice; and it may be left out, or come later.
    shutil.rmtree(watched / "checkpoints" / "step-00000012")
    assert train(recipe, corpus, watched, world, "auto", general=general)
    assert [line["step"] for line in evaluations(watched, "general")] == [0, 6, 12]
    shutil.rmtree(alone / "checkpoints" / "step-00000012")
    assert train(recipe, corpus, alone, world, "auto", general=general)
    left, right = (checkpoint.weights(run / "checkpoints" / "step-00000012") for run in (alone, watched))
    assert all((left[name] == right[name]).all() for name in left)


def test_a_loss_on_general_text_is_said(
    corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path, capsys: Any
) -> None:
    """A run whose log says that it began much better than it is now, over a restart."""
    general, run = made(tmp_path / "general", corpus_folder), tmp_path / "run"
    assert train(load("tiny", SMALL), corpus, run, world, "auto", general=general)
    assert "on general text" not in capsys.readouterr().out
    shutil.rmtree(run / "checkpoints" / "step-00000012")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        if (line["kind"], line["step"]) == ("general", 0):
            line |= {"mlm_loss": 1.0, "auc": 0.99}
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert train(load("tiny", SMALL), corpus, run, world, "auto", general=general)
    said = capsys.readouterr().out
    assert "warning: on general text the generator's loss has risen from 1.000 to" in said
    assert "warning: on general text the discriminator's AUC has fallen from 0.990 to" in said


def test_what_does_not_fit_is_refused(corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path) -> None:
    cases = {
        r"has rows of 32 tokens, and .* of 64; prepare it with data\.row_length=64": ("data.row_length=32",),
        "holds no held-out rows": ("data.validation_share=0.0",),
        r"has another vocabulary than .*; prepare it with vocabulary\.source=.*tokenizer\.json": (
            "vocabulary.source=train",
            "vocabulary.size=1000",
        ),
    }
    for number, (sentence, overrides) in enumerate(cases.items()):
        general = made(tmp_path / str(number), corpus_folder, *overrides)
        with pytest.raises(UserError, match=sentence):
            train(load("tiny", SMALL), corpus, tmp_path / "run", world, "auto", general=general)
    assert not (tmp_path / "run").exists()
