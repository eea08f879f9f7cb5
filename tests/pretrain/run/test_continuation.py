"""A new run that begins with the weights and moments of another run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from configs.load import from_tables, load, read
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.run.continuation import complete_tables, open_continuation
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL

# A rate that stays as it is, so that where a run is cut makes no difference; the correction of the bias counts updates.
CONSTANT = (
    "schedule.warmup_steps=0",
    "schedule.decay_power=1e-12",
    "optimizer.bias_correction=true",
    "run.evaluate_every=100",
    "run.evaluate_rows=0",
)


def recipe(steps: int, *overrides: str) -> Recipe:
    return load("tiny", [*SMALL, *CONSTANT, f"schedule.steps={steps}", *overrides])


@pytest.fixture(scope="module")
def earlier(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    """A finished run of eight steps, with checkpoints at 4 and 8."""
    folder = tmp_path_factory.mktemp("earlier") / "run"
    assert train(recipe(8), Corpus(corpus_folder), folder, world, "auto")
    return folder


def test_it_trains_on_as_if_the_run_had_never_ended(
    earlier: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    """Rows, masks, samples, moments and the count of updates are those of the fifth to eighth step."""
    continuation = open_continuation(earlier / "checkpoints" / "step-00000004", tmp_path / "run")
    stops = iter([False, False, True])  # asked before the first step, then after each: interrupted after the second
    begun = train(recipe(4), corpus, tmp_path / "run", world, "auto", lambda: next(stops), continuation=continuation)
    assert not begun
    assert open_continuation(earlier, tmp_path / "run") is None, "a run with a checkpoint needs no other run"
    assert train(recipe(4), corpus, tmp_path / "run", world, "auto")
    longer = checkpoint.read_weights(tmp_path / "run" / "checkpoints" / "step-00000004")
    for name, weight in checkpoint.read_weights(earlier / "checkpoints" / "step-00000008").items():
        torch.testing.assert_close(longer[name], weight, rtol=1e-6, atol=1e-7, msg=name)
    state = json.loads((tmp_path / "run" / "checkpoints" / "step-00000004" / "state.json").read_text())
    assert (state["earlier_updates"], state["rows_seen"]) == (4, 8 * 8)
    start = json.loads((tmp_path / "run" / "provenance.json").read_text())["starts"][0]["continue_from"]
    assert (start["step"], start["first_row"], Path(start["checkpoint"]).name) == (4, 4 * 8, "step-00000004")


@pytest.mark.parametrize(
    "falls",
    [
        ("corruption.temperature_start=50.0", "corruption.temperature_steps=7", "run.save_every=2"),
        ("corruption.masking_rate_end=0.05", "corruption.masking_rate_steps=7", "run.save_every=2"),
    ],
)
def test_what_falls_over_a_run_does_not_start_again(
    falls: tuple[str, ...], corpus: Corpus, world: World, tmp_path: Path
) -> None:
    """The new run takes the steps that the whole run takes, also where it is interrupted and resumed itself."""
    assert train(recipe(8, *falls), corpus, tmp_path / "whole", world, "auto")
    assert train(recipe(4, *falls), corpus, tmp_path / "half", world, "auto")
    continuation = open_continuation(tmp_path / "half", tmp_path / "run")
    stops = iter([False, False, True])
    assert not train(
        recipe(4, *falls), corpus, tmp_path / "run", world, "auto", lambda: next(stops), continuation=continuation
    )
    assert train(recipe(4, *falls), corpus, tmp_path / "run", world, "auto")
    continued = checkpoint.read_weights(tmp_path / "run" / "checkpoints" / "step-00000004")
    for name, weight in checkpoint.read_weights(tmp_path / "whole" / "checkpoints" / "step-00000008").items():
        torch.testing.assert_close(continued[name], weight, rtol=1e-6, atol=1e-7, msg=name)


def test_another_batch_rate_and_number_of_steps_are_the_new_recipes(
    earlier: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    other = recipe(2, "batch.rows=16", "optimizer.learning_rate=1e-5", "seed=9")
    continuation = open_continuation(earlier, tmp_path / "run")
    assert continuation
    assert continuation.first_row(other, corpus) == 0, "another seed is another order of rows"
    assert continuation.first_row(recipe(2), corpus) > 0
    assert continuation.first_row(recipe(2, "batch.order=sources"), corpus) == 0, (
        "its positions are those of other rows"
    )
    assert train(other, corpus, tmp_path / "run", world, "auto", continuation=continuation)
    assert checkpoint.verify(tmp_path / "run" / "checkpoints" / "step-00000002").updates == 10


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("model.discriminator.heads=1", "model.discriminator.heads"),
        ("model.layer_norm_epsilon=1e-6", "model.layer_norm_epsilon"),
        ("model.shared_embeddings=words", "model.shared_embeddings"),
    ],
)
def test_other_networks_are_refused_by_their_key(
    earlier: Path, corpus: Corpus, world: World, tmp_path: Path, override: str, key: str
) -> None:
    continuation = open_continuation(earlier, tmp_path / "run")
    with pytest.raises(UserError, match=f"was trained with {key} = .*--init-from"):
        train(recipe(4, override), corpus, tmp_path / "run", world, "auto", continuation=continuation)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_its_own_continuation(earlier: Path) -> None:
    for source in (earlier, earlier / "checkpoints" / "step-00000004"):
        with pytest.raises(UserError, match=r"is the run .* itself; name a new folder"):
            open_continuation(source, earlier)


def test_without_a_checkpoint_the_option_is_needed_again(
    earlier: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    continuation = open_continuation(earlier, run)
    assert not train(recipe(4), corpus, run, world, "auto", lambda: True, continuation=continuation)
    with pytest.raises(UserError, match=r"began with --continue-from .*step-00000008, and has no checkpoint yet"):
        train(recipe(4), corpus, run, world, "auto")


def test_a_recipe_without_a_shape_takes_the_shape_of_the_run(earlier: Path, tmp_path: Path) -> None:
    continuation = open_continuation(earlier, tmp_path / "run")
    tables = complete_tables(read("adapt"), continuation, tmp_path / "run")
    assert tables["model"]["discriminator"] == {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64}
    assert tables["model"]["dropout"] == 0.1, "a key that the recipe states is the recipe's"
    assert tables["initial"]["generator_steps"] == 0


def test_the_generator_of_the_run_need_not_be_named_again(earlier: Path, tmp_path: Path) -> None:
    """A run with a frozen generator of another model continues with the recipe `adapt` alone."""
    continuation = open_continuation(earlier, tmp_path / "run")
    assert continuation
    changed = continuation.recipe.to_dict()
    initial = {"generator": "build", "generator_width": 0.5, "generator_steps": 9, "layer_decay": 1.0}
    changed["initial"] = initial | {"generator_steps": 0, "generator_from": "other", "generator_frozen": True}
    changed["model"] |= {"shared_embeddings": "none", "generator_embedding": 16}
    frozen = replace(continuation, recipe=from_tables(changed, "run"))
    tables = complete_tables(read("adapt"), frozen, tmp_path / "run")
    assert (tables["initial"]["generator_from"], tables["initial"]["generator_frozen"]) == ("other", True)
    assert tables["model"]["shared_embeddings"] == "none"
    stated = complete_tables(read("adapt", ["initial.generator_frozen=false"]), frozen, tmp_path / "run")
    assert stated["initial"]["generator_frozen"] is False, "a key that the recipe states is the recipe's"
