"""`--continue-from`: a new run that begins with the weights and the optimizer's moments of another run.

The new run has its own folder, recipe and schedule. Its steps are counted from 0, and the learning rate is the one of
its own schedule, warm-up included. The recipe may differ from the earlier recipe in everything but the networks, the
objectives, the optimizer of the matrices and the vocabulary: more steps, another learning rate, another batch, longer
rows. Adam keeps its count of updates, which its moments need for bias correction. A temperature or a masking rate that
falls is at this count too, because the discriminator is no longer new. On the same corpus with the same seed and order,
reading continues after the last row that the earlier run has seen; otherwise reading begins at the first row.

So a run without a warm-up, which decays over all of its steps, is the last phase of a run whose rate has stayed at its
highest value (`schedule.shape = "wsd"`): it takes the same steps as if the earlier run had decayed there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from configs.common.errors import UserError
from configs.folders import CHECKPOINTS, RECIPE
from configs.load import load
from configs.recipe import Recipe, differences, with_own_embeddings
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.run import checkpoint
from pretrain.run.trained_model import warn_of_damage
from pretrain.step.engine import WEIGHTS, tensors_file

# Keys of [model] that change neither the shape of a weight nor what a trained network computes in evaluation.
_FREE_MODEL_KEYS = {"dropout", "attention_dropout", "initializer", "initializer_range"}
# Keys of [initial] that describe the generator, with which a new run begins.
_GENERATOR_KEYS = ("generator_from", "generator_frozen")


@dataclass(frozen=True)
class Continuation:
    """A verified checkpoint of another run, and its recipe."""

    checkpoint: Path
    recipe: Recipe
    state: checkpoint.CheckpointState

    def first_row(self, recipe: Recipe, corpus: Corpus) -> int:
        """The position in the order of rows at which the new run begins to read."""
        earlier, now = ((its.seed, its.batch.order) for its in (self.recipe, recipe))
        return self.state.rows_seen if (self.state.corpus, earlier) == (corpus.manifest_sha256, now) else 0

    def check(self, recipe: Recipe, corpus: Corpus, pair: ElectraPair) -> None:
        """Raises UserError when the weights and moments do not fit the new run's recipe, vocabulary or networks."""
        for key, earlier, now in differences(_network(self.recipe), _network(recipe)):
            raise UserError(
                f"--continue-from {self.checkpoint}: was trained with {key} = {json.dumps(earlier)}, and the recipe "
                f"has {json.dumps(now)}; give the same networks, objectives and optimizer, or begin from its weights "
                "alone with --init-from"
            )
        self._check_vocabulary(corpus)
        self._check_shapes(pair)

    def to_dict(self) -> dict[str, Any]:
        """Return the entry about the earlier run for provenance.json."""
        return {"checkpoint": str(self.checkpoint), **self.state.model_dump()}

    def lines(self, first_row: int) -> Iterator[str]:
        """Yield the lines that the terminal shows."""
        yield (
            f"continues from {self.checkpoint}: weights and moments after {self.state.updates:,} updates, written by "
            f"{self.state.layout}; steps are counted from 0, and reading begins at row {first_row:,} of the order"
        )

    def _check_vocabulary(self, corpus: Corpus) -> None:
        run = self.checkpoint.parent.parent
        for name in corpus.manifest.vocabulary.files:
            if not (run / name).is_file():
                raise UserError(f"{run / name}: missing, so the vocabulary of {self.checkpoint} is not known")
            if (run / name).read_text(encoding="utf-8") != (corpus.folder / name).read_text(encoding="utf-8"):
                raise UserError(
                    f"{corpus.folder / name}: is not the vocabulary of {self.checkpoint}; prepare the corpus with "
                    f"--init-from {run}"
                )

    def _check_shapes(self, pair: ElectraPair) -> None:
        """Raise UserError when a weight of the pair has another shape in the checkpoint.

        This also finds changed keys of an objective, such as the width of its vector: `_network` does not compare them.
        """
        path = tensors_file(self.checkpoint, WEIGHTS)
        with safe_open(path, framework="pt") as tensors:
            shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118  no dictionary
        for name, parameter in pair.named_parameters():
            if shapes.get(name) != tuple(parameter.shape):
                raise UserError(
                    f"{path}: {name} has the shape {shapes.get(name)}, and the recipe's {tuple(parameter.shape)}"
                )


def open_continuation(source: Path, run: Path) -> Continuation | None:
    """The checkpoint that `run` begins with.

    `source` is a checkpoint, a run, of which the newest whole checkpoint is taken, or RUN@STEP. Returns None when `run`
    already has a checkpoint: it then resumes from that, and `source` need not exist any more. Raises UserError when
    there is no such checkpoint, or when `run` is itself the run to continue from.
    """
    named, step = _at_step(source)
    if named.resolve() in (run.resolve(), *run.resolve().glob(f"{CHECKPOINTS}/*")):
        raise UserError(f"--continue-from {source}: is the run {run} itself; name a new folder with --run")
    if checkpoint.list_checkpoints(run / CHECKPOINTS):
        return None
    chosen = checkpoint.choose(named if step is None else _after(named, step))
    warn_of_damage(chosen)
    return Continuation(chosen.folder, load(str(chosen.folder / RECIPE)), chosen.state)


def _at_step(source: Path) -> tuple[Path, int | None]:
    """Divide RUN@STEP. Any other source has no step, and neither has a folder whose own name ends in such a way."""
    run, at, step = source.name.rpartition("@")
    if not run or not at or not step.isdecimal() or source.is_dir():
        return source, None
    return source.with_name(run), int(step)


def _after(run: Path, step: int) -> Path:
    if not run.is_dir():
        raise UserError(f"--continue-from {run}@{step}: there is no run {run}")
    return checkpoint.after_step(run, step, f"--continue-from {run}@{step}")


def complete_tables(tables: dict[str, Any], continuation: Continuation | None, run: Path) -> dict[str, Any]:
    """Complete the tables of the new run's recipe, which may leave the shape of the networks to the earlier run.

    `initial.generator_steps` becomes 0, because a generator that comes with its moments is not trained alone again. The
    generator is the earlier run's, so the recipe need not repeat from which model it came and whether it is frozen.
    Without a continuation, `run` has a checkpoint already, and the shape is taken from its own recipe.
    """
    earlier = (continuation.recipe if continuation else load(str(run / RECIPE))).to_dict()
    completed = tables | {"model": earlier["model"] | tables.get("model", {})}
    if "initial" in tables:
        initial = earlier.get("initial", {})
        generator = {key: initial[key] for key in _GENERATOR_KEYS if key in initial}
        completed["initial"] = generator | tables["initial"] | {"generator_steps": 0}
    return with_own_embeddings(completed)


def _network(recipe: Recipe) -> dict[str, Any]:
    """Select the part of a recipe in which two runs must agree if one uses the weights and moments of the other."""
    model = {key: value for key, value in recipe.to_dict()["model"].items() if key not in _FREE_MODEL_KEYS}
    # A frozen generator has no moments with which it could be trained.
    frozen = {"generator_frozen": recipe.generator_is_frozen}
    # Muon has one moment where Adam has two.
    matrices = {"matrices": recipe.optimizer.matrices}
    return {"model": model, "objectives": sorted(recipe.objectives), "initial": frozen, "optimizer": matrices}
