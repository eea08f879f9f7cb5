"""A decay that branches off a stable run, on the same rows or on a mixture of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import load
from configs.recipe import Recipe
from data_prep.__main__ import load_corpus_recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.run.continuation import open_continuation
from pretrain.run.logs import read_metrics
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL, documents

DROPOUT = ("model.dropout=0.1", "model.attention_dropout=0.1", "optimizer.learning_rate=2e-3")
STABLE = ("schedule.shape=wsd", "schedule.decay_steps=0", "schedule.steps=1000", "schedule.warmup_steps=2")
DECAY = ("schedule.steps=4", "schedule.decay_steps=4", "schedule.warmup_steps=0")


def recipe(*overrides: str) -> Recipe:
    return load("tiny", [*SMALL, *DROPOUT, "schedule.shape=wsd", "run.keep_every=4", *overrides])


def stop_after(steps: int) -> Callable[[], bool]:
    """Ask to stop after this many steps. A run asks once before its first step, and then after every step."""
    asked = iter(range(steps))
    return lambda: next(asked, None) is None


@pytest.fixture(scope="module")
def stable(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without an end, stopped after step 9, with checkpoints at 4, 8 and 9."""
    folder = tmp_path_factory.mktemp("stable") / "run"
    assert not train(recipe(*STABLE), Corpus(corpus_folder), folder, world, "auto", stop_after(9))
    return folder


def logged(run: Path) -> list[tuple[Any, ...]]:
    """The values of every step that do not depend on time."""
    names = ("mlm_loss", "rtd_loss", "masked_accuracy", "replaced_share", "learning_rate", "gradient_norm", "rows_seen")
    return [tuple(line[name] for name in names) for line in read_metrics(run) if line["kind"] == "training"]


def first_evaluated(run: Path) -> int:
    return next(line["step"] for line in read_metrics(run) if line["kind"] == "evaluation")


@pytest.mark.parametrize("step", [4, 9])
def test_a_branch_is_the_end_of_the_unbroken_run(
    stable: Path, corpus: Corpus, world: World, tmp_path: Path, step: int
) -> None:
    """Rows, masks, samples, dropout, moments and rates are those of a run that decays in its last four steps.

    The branch is also interrupted after its second step.
    """
    unbroken = recipe(f"schedule.steps={step + 4}", "schedule.decay_steps=4", "schedule.warmup_steps=2")
    assert train(unbroken, corpus, tmp_path / "unbroken", world, "auto")
    branch = tmp_path / "branch"
    continuation = open_continuation(stable.with_name(f"run@{step}"), branch)
    assert not train(recipe(*DECAY), corpus, branch, world, "auto", stop_after(2), continuation=continuation)
    assert open_continuation(stable.with_name(f"run@{step}"), branch) is None
    assert train(recipe(*DECAY), corpus, branch, world, "auto")
    # Only a run that begins with weights is evaluated before its first step.
    assert (first_evaluated(branch), first_evaluated(tmp_path / "unbroken")) == (0, 6)
    for measures, expected in zip(logged(branch), logged(tmp_path / "unbroken")[step:], strict=True):
        assert measures == pytest.approx(expected, rel=1e-6)
    (start, _) = read_json(branch / "provenance.json")["starts"]
    came_from = start["continue_from"]
    assert (came_from["step"], came_from["first_row"], came_from["corpus"]) == (
        step,
        step * 8,
        start["corpus"]["manifest_sha256"],
    )


def test_a_branch_on_another_mixture_reads_it_from_its_beginning(
    stable: Path, corpus: Corpus, text_file: Path, world: World, tmp_path: Path
) -> None:
    """The mixture has the vocabulary of the run, and its first rows and their masks are those of a new run."""
    better = tmp_path / "better.txt"
    better.write_text("\n\n".join(documents(60)[40:]), encoding="utf-8")
    keys = [key for key in SMALL if not key.startswith("vocabulary.")]
    sources = f'data.sources=[{{path="{better}", weight=2.0}}, {{path="{text_file}", weight=0.25}}]'
    prepare(load_corpus_recipe("tiny", [*keys, sources], str(stable)), tmp_path / "mixture", 1)
    mixture, branch = Corpus(tmp_path / "mixture"), tmp_path / "branch"
    continuation = open_continuation(stable.with_name("run@8"), branch)
    assert train(recipe(*DECAY), mixture, branch, world, "auto", continuation=continuation)
    (start,) = read_json(branch / "provenance.json")["starts"]
    assert start["corpus"]["manifest_sha256"] == mixture.manifest_sha256 != corpus.manifest_sha256
    assert start["continue_from"]["first_row"] == 0
    assert start["continue_from"]["corpus"] == corpus.manifest_sha256
    state = json.loads((branch / "checkpoints" / "step-00000004" / "state.json").read_text())
    assert (state["rows_seen"], state["earlier_updates"]) == (4 * 8, 8)


def test_long_rows_follow_short_rows(stable: Path, text_file: Path, world: World, tmp_path: Path) -> None:
    """A phase on a corpus of the same text with rows twice as long, and half as many of them in a step."""
    keys = [key for key in SMALL if not key.startswith(("vocabulary.", "data.row_length"))]
    long = (*keys, "data.row_length=128", f"data.sources={text_file}")
    prepare(load_corpus_recipe("tiny", list(long), str(stable)), tmp_path / "long", 1)
    corpus, branch = Corpus(tmp_path / "long"), tmp_path / "branch"
    assert corpus.data.row_length == 128
    continuation = open_continuation(stable.with_name("run@8"), branch)
    phase = recipe(*DECAY, "data.row_length=128", "batch.rows=4")
    assert train(phase, corpus, branch, world, "auto", continuation=continuation)
    lines = [line for line in read_metrics(branch) if line["kind"] == "training"]
    assert [line["rows_seen"] for line in lines] == [4, 8, 12, 16]
    # The weights are those that the short rows have trained, and the decay begins at the rate of the stable run.
    assert lines[0]["mlm_loss"] < 6.9 < logged(stable)[0][0]
    assert lines[0]["learning_rate"] == pytest.approx(logged(stable)[7][4])


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("run@5", r"--continue-from .*run@5: .*run holds checkpoints of the steps 4, 8, 9$"),
        ("other@5", r"--continue-from .*other@5: there is no run .*other$"),
        ("run@", r"run@: no such run or checkpoint$"),
        ("run@last", r"run@last: no such run or checkpoint$"),
    ],
)
def test_a_step_without_a_checkpoint_is_refused(stable: Path, tmp_path: Path, source: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        open_continuation(stable.with_name(source), tmp_path / "branch")
    assert not (tmp_path / "branch").exists()


def test_a_run_that_was_never_saved_holds_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match=r"run@5: .*run holds no checkpoint$"):
        open_continuation(tmp_path / "run@5", tmp_path / "branch")


def test_a_folder_whose_name_ends_like_a_step_is_a_run(stable: Path, tmp_path: Path) -> None:
    continuation = open_continuation(Path(shutil.copytree(stable, tmp_path / "run@4")), tmp_path / "branch")
    assert continuation and continuation.state.step == 9


def test_a_run_does_not_branch_off_itself(stable: Path) -> None:
    with pytest.raises(UserError, match=r"is the run .* itself; name a new folder"):
        open_continuation(stable.with_name("run@4"), stable)
