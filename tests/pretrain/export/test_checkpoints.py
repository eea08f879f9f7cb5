"""Which checkpoint is exported: the last, a step, the best by a score, or a mean that is worked out here again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from pretrain.export.checkpoints import Choice, choose
from pretrain.run import checkpoint

CHECKPOINTS = "checkpoints"


@pytest.fixture
def evaluated(run: Path, tmp_path: Path) -> Path:
    """The run, with scores of our own at every checkpoint."""
    folder = Path(shutil.copytree(run, tmp_path / "evaluated"))
    scores = {4: (0.7, 3.0), 8: (0.9, 2.0), 12: (0.8, 1.0)}
    lines = [{"kind": "evaluation", "step": step, "auc": auc, "mlm_loss": loss} for step, (auc, loss) in scores.items()]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_the_last_is_the_newest(run: Path) -> None:
    assert choose(run, Choice()).steps == [12]
    assert choose(run / CHECKPOINTS / "step-00000008", Choice()).steps == [8]


def test_a_step_is_named_by_its_number(run: Path) -> None:
    assert choose(run, Choice("8")).steps == [8]
    with pytest.raises(UserError, match=r"--checkpoint 7: .* holds checkpoints of the steps 4, 8, 12"):
        choose(run, Choice("7"))
    with pytest.raises(UserError, match="--checkpoint newest: is neither best nor last nor the number of a step"):
        choose(run, Choice("newest"))


def test_the_best_is_highest_by_a_score_and_lowest_by_a_loss(evaluated: Path) -> None:
    assert choose(evaluated, Choice("best", "auc")).steps == [8]
    best = choose(evaluated, Choice("best", "mlm_loss"))
    assert best.steps == [12]
    assert best.reason == "the best mlm_loss (1.0000) of the steps 4, 8, 12"


def test_the_best_needs_a_metric_that_was_logged(evaluated: Path) -> None:
    with pytest.raises(UserError, match="--metric: missing; there are auc, mlm_loss"):
        choose(evaluated, Choice("best"))
    with pytest.raises(UserError, match="--metric: acu; there are auc, mlm_loss"):
        choose(evaluated, Choice("best", "acu"))
    with pytest.raises(UserError, match="is for --checkpoint best"):
        choose(evaluated, Choice("last", "auc"))
    (evaluated / "metrics.jsonl").unlink()
    with pytest.raises(UserError, match="was evaluated on held-out rows; name a step"):
        choose(evaluated, Choice("best", "auc"))


def test_a_mean_is_the_sum_over_the_count(run: Path) -> None:
    """In fp64, of every tensor; the newest checkpoint alone is another model."""
    chosen = choose(run, Choice(average=3))
    assert chosen.steps == [4, 8, 12]
    singles = [checkpoint.read_weights(run / CHECKPOINTS / f"step-{step:08d}") for step in (4, 8, 12)]
    mean = chosen.weights()
    assert mean.keys() == singles[0].keys()
    for name, tensor in mean.items():
        expected = torch.stack([single[name].double() for single in singles]).mean(0).float()
        assert torch.equal(tensor, expected), name
    assert not torch.equal(mean["embeddings.word.weight"], singles[2]["embeddings.word.weight"])
    assert choose(run, Choice("8", average=2)).steps == [4, 8]


def test_a_mean_of_more_checkpoints_than_there_are_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"--average 3: .* holds 2 checkpoint\(s\) up to step 8"):
        choose(run, Choice("8", average=3))


def test_a_damaged_checkpoint_is_refused_by_name_or_passed_over(run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "damaged"))
    (folder / CHECKPOINTS / "step-00000012" / "weights.safetensors").write_bytes(b"")
    assert choose(folder, Choice()).steps == [8]
    with pytest.raises(UserError, match="step-00000012"):
        choose(folder, Choice("12"))
    (folder / CHECKPOINTS / "step-00000004" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="step-00000004"):
        choose(folder, Choice(average=2))


def test_a_run_without_a_checkpoint_is_refused(run: Path, tmp_path: Path) -> None:
    shutil.copyfile(run / "recipe.toml", tmp_path / "recipe.toml")
    with pytest.raises(UserError, match="holds no checkpoint"):
        choose(tmp_path, Choice())
