"""SWEEP.toml becomes trials; every mistake in it is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from launch.sweep.definition import read_sweep
from tests.launch.sweep.conftest import RECIPES, Write


def test_recipes_by_seeds(write: Write, tmp_path: Path) -> None:
    sweep = read_sweep(write(tmp_path, RECIPES), tmp_path / "out", processes=2)
    assert [str(trial) for trial in sweep.trials[:4]] == [
        "published, seed 1",
        "fast, seed 1",
        "wide, seed 1",
        "published, seed 2",
    ]
    last = sweep.trials[-1]
    assert last.run == tmp_path / "out" / "runs" / "wide" / "seed-2"
    assert (last.recipe.name, last.recipe.seed, last.recipe.model.generator.hidden) == ("wide", 2, 32)
    assert last.recipe.model.generator.intermediate == 32  # a key of a nested table leaves its neighbours alone
    assert last.order.overrides[0] == "optimizer.learning_rate=0.01" and last.order.processes == 2
    assert sweep.baseline == "published" and sweep.keys["published"] == ()


@pytest.mark.parametrize(
    ("recipes", "keys", "sentence"),
    [
        ("[recipes.a]", {"seed": [1]}, "unknown key seed; did you mean seeds?"),
        ("[recipes.a]", {"seeds": []}, "seeds: [] is not "),
        ("[recipes.a]", {"seeds": [1, 2, 1]}, "seeds: 1 is there twice"),
        ("[recipes.a]", {"seeds": [-1]}, "seeds.0: -1 is not greater than or equal to 0"),
        ("[recipes.a]", {"scores": ["auc", "auc"]}, "scores: auc is there twice"),
        ("[recipes.a]", {"scores": ["acu"]}, "recipes.a: scores: unknown score acu; did you mean auc?"),
        ("[recipes.a]", {"baseline": "b"}, "baseline: unknown recipe b; there are a"),
        ("[recipes.a]", {"corpus": "nowhere"}, "nowhere: no such corpus"),
        ("[recipes.a]", {"recipe": "tyny"}, "unknown recipe tyny; did you mean tiny?"),
        ("[recipes.a]", {"recipe": "adapt"}, "adapt takes the shape of a released model"),
        ("", {}, "recipes: missing"),
        ("[recipes.a]\n[recipes.a]", {}, "not a TOML file (Cannot declare ('recipes', 'a') twice"),
        ("[recipes.'a/b']", {}, "recipes: 'a/b' is no name of a folder"),
        ("[recipes.a]\nmodel.dropot = 0.1", {}, "recipes.a: unknown key model.dropot; did you mean model.dropout?"),
        ("[recipes.a]\nmodel.dropout = 'x'", {}, "recipes.a: model.dropout: 'x' is not a valid number"),
        ("[recipes.a]\nmasking.rate = 0.3", {}, "recipes.a.masking: is taken from the corpus; leave it out"),
        ("[recipes.a]\nseed = 3", {}, "recipes.a.seed: is set by the sweep; leave it out"),
        ("[recipes.a]\n[recipes.b]\nrun.log_every = 2", {}, "recipes.b: is the same recipe as a"),
        ("[recipes.a]\nrun.evaluate_rows = 0", {}, "recipes.a: run.evaluate_rows: 0, and the scores"),
        (
            "[recipes.a]\n[recipes.b]\nrun.evaluate_rows = 3\nmodel.dropout = 0.2",
            {},
            "scores are compared on the same rows",
        ),
        ("[recipes.a]\nobjectives.mtss.weight = 1.0", {}, "recipes.a: "),
        ("[recipes.a.objectives.mts]", {}, "recipes.a: "),
    ],
)
def test_a_mistake_is_one_sentence(
    recipes: str, keys: dict[str, object], sentence: str, write: Write, tmp_path: Path
) -> None:
    file = write(tmp_path, recipes, **keys)
    with pytest.raises(UserError) as refused:
        read_sweep(file, tmp_path / "out")
    assert sentence in str(refused.value), refused.value
    assert not (tmp_path / "out").exists()
