"""The evaluations of a run are logged once for each step, and the corpus of general text must fit the run.

Whole runs with general text are in tests/integration/test_general.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from data_prep.__main__ import load_corpus_recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.run.display import Display
from pretrain.run.live import Panel
from pretrain.run.logs import EvaluationKind, Log, read_metrics
from pretrain.run.trained_model import open_pair
from pretrain.step.engine import Engine
from pretrain.step.world import World
from pretrain.watch.health import Watch
from pretrain.watch.heldout import HeldOut, check_general
from tests.conftest import SMALL, documents
from tests.trained import run as run


def _look(run: Path, logs: Path, corpora: dict[EvaluationKind, Corpus], world: World) -> None:
    trained = open_pair(run)
    held_out = HeldOut(corpora, trained.recipe, world, torch.float32)
    with Log(logs, 12, Display(Panel("run", 12, lambda steps: 8 * steps, 12)), active=True) as log:
        held_out.look(Engine(trained.pair, trained.recipe, world), 12, log, Watch(trained.recipe))


def test_a_checkpoint_has_the_scores_that_its_run_logged(
    run: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    _look(run, tmp_path, {"evaluation": corpus, "general": corpus}, world)
    own, general = read_metrics(tmp_path)
    logged = next(line for line in read_metrics(run) if (line["kind"], line["step"]) == ("evaluation", 12))
    scores = {name: value for name, value in logged.items() if name not in ("kind", "step")}
    assert {name: own[name] for name in scores} == pytest.approx(scores, rel=1e-5)
    assert general == own | {"kind": "general"}


def test_a_step_is_evaluated_once(run: Path, corpus: Corpus, world: World, tmp_path: Path) -> None:
    line = {"kind": "evaluation", "step": 12, "mlm_loss": 1.0}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    _look(run, tmp_path, {"evaluation": corpus}, world)
    assert read_metrics(tmp_path) == [line]


def test_a_loss_that_has_risen_on_general_text_is_warned_of(
    run: Path, corpus: Corpus, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"mlm_loss": 1.0, "masked_accuracy": 0.5, "sampled_accuracy": 0.3, "auc": 0.0}
    line = {"kind": "general", "step": 0, **scores}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    _look(run, tmp_path, {"general": corpus}, world)
    assert "warning: on general text the generator's loss has risen from 1.000 to " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("overrides", "shares_vocabulary", "sentence"),
    [
        (["vocabulary.size=600"], False, "has another vocabulary than "),
        (["data.row_length=32"], True, "has rows of 32 tokens, and "),
        (["data.validation_share=0"], True, "holds no held-out rows; prepare it with a higher data.validation_share"),
    ],
)
def test_a_general_corpus_that_does_not_fit_is_refused(
    overrides: list[str], shares_vocabulary: bool, sentence: str, corpus: Corpus, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("\n\n".join(documents(4)), encoding="utf-8")
    keys = [key for key in SMALL if not (shares_vocabulary and key.startswith("vocabulary."))]
    vocabulary = str(corpus.folder) if shares_vocabulary else None
    recipe = load_corpus_recipe("tiny", [*keys, f"data.sources={tmp_path / 'text.txt'}", *overrides], vocabulary)
    prepare(recipe, tmp_path / "general", 1)
    with pytest.raises(UserError, match=rf"^--general {tmp_path}/general: {sentence}"):
        check_general(Corpus(tmp_path / "general"), corpus)


def test_a_corpus_fits_itself(corpus: Corpus) -> None:
    check_general(corpus, corpus)
