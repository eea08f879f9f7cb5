"""Train with ERNIE-Health's objectives by the real command.

The runs use one and two processes, and batches in which an objective finds nothing to learn.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.evaluation.rows.show import print_scores
from pretrain.model.batch import Batch
from pretrain.model.pair import ElectraPair
from pretrain.run.logs import read_metrics
from pretrain.run.trained_model import open_pair
from pretrain.step.engine import Engine
from pretrain.step.loader import batch_of
from pretrain.step.world import World
from tests.conftest import SMALL

HEALTH = (
    *SMALL,
    "objectives.mts.weight=20.0",
    "objectives.csp={weight=1.0, width=128, temperature=0.07}",
    "corruption={mask=0.8, random=0.1, keep=0.1, temperature=1.0, candidates=5}",
    "model.shared_embeddings=words",
    "batch.views=2",
    "batch.group_rows=8",
)


def pretrain(corpus: Path, run: Path, *overrides: str, processes: int) -> None:
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    options = ["pretrain", "tiny", "--corpus", str(corpus), "--run", str(run), *HEALTH, *overrides]
    done = subprocess.run([sys.executable, *torchrun, "-m", "--", "pretrain", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def of_kind(run: Path, kind: str) -> list[dict[str, float]]:
    clock = ("_per_second", "mfu", "data_wait_share", "time")
    lines = [line for line in read_metrics(run) if line["kind"] == kind]
    return [{key: value for key, value in line.items() if not key.endswith(clock) and key != "kind"} for line in lines]


@pytest.mark.parametrize(
    ("overrides", "processes"),
    [
        # The group of 8 rows is split over both processes.
        pytest.param((), 2, marks=pytest.mark.slow),
        # Only the contrast has a weight, so the whole gradient passes through the exchanged vectors. The vectors differ
        # enough from the start for the gradient to be more than rounding.
        pytest.param(
            (*(f"objectives.{name}.weight=0.0" for name in ("mlm", "rtd", "mts")), "model.initializer_range=0.2"),
            2,
            marks=pytest.mark.slow,
        ),
        # Each of the four groups is split over both processes, one micro-batch after the other. The 19 held-out rows do
        # not fill whole groups.
        (("batch.rows=24", "batch.group_rows=6", "compute.zero_stage=2", "run.evaluate_rows=19"), 2),
    ],
)
def test_processes_give_the_gradient_of_one(
    corpus_folder: Path, tmp_path: Path, overrides: tuple[str, ...], processes: int
) -> None:
    for number in (1, processes):
        at_once = f"batch.micro_rows={24 if number == 1 else 3}" if "batch.rows=24" in overrides else "batch.rows=8"
        pretrain(
            corpus_folder,
            tmp_path / str(number),
            *overrides,
            at_once,
            "schedule.steps=6",
            "run.evaluate_every=3",
            processes=number,
        )
    for kind in ("training", "evaluation"):
        alone, together = of_kind(tmp_path / "1", kind), of_kind(tmp_path / str(processes), kind)
        assert len(alone) == len(together) > 1
        for left, right in zip(alone, together, strict=True):
            for name in left.keys() | right.keys():
                # The gradient of CSP's head is the difference of nearly equal vectors, so its norm has more rounding.
                tolerance = 1e-4 if name == "gradient_norm/heads/csp" else 1e-5
                assert left[name] == pytest.approx(right[name], rel=tolerance, abs=1e-9), name
    assert all(line["gradient_norm"] > 1e-3 for line in of_kind(tmp_path / "1", "training"))
    # One process evaluates what several processes trained.
    print_scores(str(tmp_path / str(processes)), [corpus_folder], None)
    recipe = health(*overrides)
    torch.manual_seed(recipe.seed)
    start = ElectraPair(recipe).state_dict()
    alone, together = (open_pair(tmp_path / str(number)).pair.state_dict() for number in (1, processes))
    for key, value in alone.items():
        # Adam magnifies the rounding of gradients that cancel, so the difference is measured against the distance that
        # a weight has moved.
        assert (together[key] - value).norm() <= 1e-3 * (value - start[key]).norm(), key


def health(*overrides: str) -> Recipe:
    return load("tiny", [*HEALTH, *overrides])


def batch(corpus: Corpus, recipe: Recipe, rows: int) -> Batch:
    numbers = np.arange(rows)
    return batch_of(corpus, recipe, "train", numbers, np.zeros_like(numbers), numbers)


def test_views_are_two_maskings_of_the_same_rows(corpus: Corpus) -> None:
    micro_batch = batch(corpus, health(), 8)
    first, second = (micro_batch.tokens[:8], micro_batch.tokens[8:])
    assert torch.equal(first, second)
    for view in range(2):
        masks = torch.from_numpy(corpus.read_masked("train", np.arange(8), np.full(8, view))[1])
        rows = slice(8 * view, 8 * view + 8)
        shown = torch.zeros_like(masks).scatter(1, micro_batch.slots[rows], micro_batch.filled[rows])
        assert torch.equal(shown, masks)
    assert not torch.equal(micro_batch.slots[:8], micro_batch.slots[8:])
    assert not torch.equal(micro_batch.uniforms[:8], micro_batch.uniforms[8:])
    assert not torch.equal(micro_batch.candidate_uniforms[:8], micro_batch.candidate_uniforms[8:])


def nothing_masked(micro_batch: Batch, pair: ElectraPair) -> Batch:
    return replace(micro_batch, filled=torch.zeros_like(micro_batch.filled), shown=micro_batch.targets)


def nothing_replaced(micro_batch: Batch, pair: ElectraPair) -> Batch:
    """Make the whole text one repeated word that the generator predicts with certainty."""
    pair.prediction.bias.data[7] = 1e4
    return replace(micro_batch, tokens=torch.where(micro_batch.real, 7, micro_batch.tokens))


@pytest.mark.parametrize("change", [nothing_masked, nothing_replaced])
def test_a_batch_without_a_replacement_trains_on(
    corpus: Corpus, world: World, change: Callable[[Batch, ElectraPair], Batch]
) -> None:
    recipe = health()
    pair = ElectraPair(recipe)
    micro_batch = change(batch(corpus, recipe, 8), pair)
    engine = Engine(pair, recipe, world)
    before = pair.discriminator.state_dict()["layers.0.output.weight"].clone()
    measures = engine.step([micro_batch], 0.01, measure=True)
    assert measures is not None
    assert measures.losses["mts"] == measures.replaced_share == 0
    assert np.isfinite([*measures.losses.values(), measures.total, measures.gradient_norm]).all()
    assert engine.weights_are_finite()
    assert not torch.equal(before, pair.discriminator.state_dict()["layers.0.output.weight"])


def test_one_sentence_per_device(corpus: Corpus, world: World) -> None:
    """The only candidate for a sentence is its own other view, so the contrast is exactly zero."""
    recipe = health("batch.rows=1", "batch.micro_rows=1", "batch.group_rows=1")
    engine = Engine(ElectraPair(recipe), recipe, world)
    measures = engine.step([batch(corpus, recipe, 1)], 0.01, measure=True)
    assert measures is not None
    assert measures.losses["csp"] == 0
    assert measures.losses["rtd"] > 0
    assert engine.weights_are_finite()


def test_what_does_not_fit_is_said() -> None:
    for override, message in [
        ("batch.views=1", r"objectives\.csp: compares two views of a row; set batch\.views=2"),
        ("corruption.candidates=0", r"objectives\.mts: needs corruption\.candidates, which is 0"),
        ("model.embedding=16", r"objectives\.mts: .*discriminator\.hidden \(32\) is not model\.embedding \(16\)"),
        ("batch.group_rows=1", r"objectives\.csp: a row alone has nothing to differ from"),
        ("objectives.csp.temperature=0.0", r"objectives\.csp\.temperature: 0\.0 is not greater than 0"),
        ("masking.maskings=1", r"masking\.maskings: 1 is fewer than batch\.views \(2\)"),
    ]:
        with pytest.raises(UserError, match=message):
            ElectraPair(health(override))
