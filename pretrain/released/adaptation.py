"""The use of a released model in a run: the recipe takes the model's shape, and decides about its generator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.folders import CHECKPOINTS, RECIPE
from configs.load import from_tables, load, validate
from configs.recipe import Recipe, flatten, with_own_embeddings
from configs.training_tables import InitialTable
from data_prep.shards import Corpus
from pretrain.released.generators import Choice, generator_of, mismatch, unsuitable
from pretrain.released.initialization import InitialWeights
from pretrain.released.lookup import open_released
from pretrain.released.network import Network, Released
from pretrain.released.positions import with_positions
from pretrain.run import checkpoint

Tables = dict[str, Any]


def recipe_and_weights(
    tables: Tables, recipe: str, model: str | None, corpus: Corpus, run: Path
) -> tuple[Recipe, InitialWeights | None]:
    """Make the recipe of a run, with the shape of the model and the vocabulary of the corpus, and the model's weights.

    `tables` are the tables of the recipe file, and `recipe` is its name. A run that has a checkpoint resumes from it
    with the shape that the run has, and the model is not read.
    """
    if model is None:
        if "discriminator" not in tables.get("model", {}):
            raise UserError(f"{recipe}: takes its shape from a released model; name that model with --init-from")
        _refuse_choice_of_generator(tables, recipe)
        return from_tables(tables, recipe), None
    tables = tables | {"vocabulary": corpus.vocabulary.model_dump(mode="json")}
    if checkpoint.list_checkpoints(run / CHECKPOINTS) and (run / RECIPE).is_file():
        return from_tables(_with_shape_of(run, tables), recipe), None
    tables, weights = complete_recipe(open_released(model), tables, recipe)
    return from_tables(tables, recipe), weights


def _refuse_choice_of_generator(tables: Tables, recipe: str) -> None:
    initial = tables.get("initial")
    for key in ("generator_from", "generator_frozen"):
        if isinstance(initial, dict) and initial.get(key):
            raise UserError(
                f"{recipe}: initial.{key}: {initial[key]!r}, and without --init-from no model is read; name a model "
                "with --init-from, or leave this key out"
            )


def _with_shape_of(run: Path, tables: Tables) -> Tables:
    """Add to the tables of a recipe the keys that the stored run took from its model.

    A key that the recipe states is kept, and is compared with the stored run later.
    """
    stored = load(str(run / RECIPE)).to_dict()
    if "initial" not in stored:
        raise UserError(f"{run}: did not begin with a released model; continue it without --init-from")
    initial = tables.get("initial", stored["initial"])
    if not stored["initial"]["generator_steps"]:  # the model's own generator was kept
        initial = initial | {"generator_steps": 0}
    completed = tables | {"model": stored["model"] | tables.get("model", {}), "initial": initial}
    return with_own_embeddings(completed)


def complete_recipe(released: Released, tables: Tables, recipe: str) -> tuple[Tables, InitialWeights]:
    """Complete the tables of a recipe with the model's shape, and return them with the model's weights.

    Raises UserError when the recipe has no [initial], states another shape, or refuses the generator.
    """
    if "initial" not in tables:
        raise UserError(f"{recipe}: has no table [initial], which a released model needs; the recipe adapt has one")
    initial = validate(InitialTable, tables["initial"], recipe, "initial.")
    if "discriminator" not in released.networks:
        raise UserError(f"{released.origin}: holds a generator alone; name the discriminator, or a model with both")
    tables = with_own_embeddings(tables)
    stated = tables.get("model", {})
    sharing = stated.get("shared_embeddings", "all")
    chosen = _choose_generator(released, initial, sharing)
    discriminator, generator = released.networks["discriminator"], chosen.network
    model = _with_shape(stated, _shape(discriminator, generator, sharing), recipe, released.origin)
    completed = tables | {"model": _with_defaults(model, discriminator, initial)}
    if generator:
        completed["initial"] = tables["initial"] | {"generator_steps": 0}
    weights = InitialWeights(released, generator, (*released.remarks(), *chosen.remarks), chosen.model)
    return completed, _with_positions(weights, model["max_positions"])


def _with_positions(initial: InitialWeights, num_positions: int) -> InitialWeights:
    """Give both networks the positions of the run, which may have more than the released model."""
    discriminator, remarks = with_positions(initial.discriminator, num_positions)
    networks = {**initial.released.networks, "discriminator": discriminator}
    generator = initial.generator
    if generator:
        own = generator.shape["max_positions"]
        if own > num_positions and initial.generator_model:
            raise UserError(
                f"initial.generator_from: {generator.origin}: has {own} positions, and the run {num_positions}; set "
                f"model.max_positions={own}, or name another"
            )
        generator, more = with_positions(generator, num_positions)
        remarks += more
    return replace(
        initial,
        released=replace(initial.released, networks=networks),
        generator=generator,
        remarks=(*initial.remarks, *remarks),
    )


def _choose_generator(released: Released, initial: InitialTable, sharing: str) -> Choice:
    """Choose the generator of the run: of another model, of the released model, or a new one.

    Raises UserError if the recipe refuses the generator, or if the generator cannot be used.
    """
    discriminator, generator = released.networks["discriminator"], released.networks.get("generator")
    if initial.generator_from:
        return generator_of(initial.generator_from, released)
    fault = unsuitable(generator, discriminator, sharing) if generator else "there is none"
    if not fault:
        return Choice(generator)
    if initial.generator == "build":
        return Choice(None, (f"generator: {fault}; a new one is built",))
    if initial.generator == "keep" and generator and not mismatch(generator, discriminator, sharing):
        return Choice(generator, (f"generator: {fault}; it is kept all the same",))
    raise UserError(
        f"{released.origin}: generator: {fault}, so it cannot be kept (initial.generator is "
        f"{initial.generator!r}); set initial.generator=build for a new one"
    )


def _shape(discriminator: Network, generator: Network | None, sharing: str) -> Tables:
    """Return the keys of the table [model] that the released models decide."""
    shape: Tables = {name: discriminator.shape[name] for name in ("embedding", "max_positions", "token_types")}
    shape["discriminator"] = discriminator.tower
    if generator and sharing == "none":
        shape["generator_embedding"] = generator.shape["embedding"]
    return shape | ({"generator": generator.tower} if generator else {})


def _with_shape(model: Tables, shape: Tables, recipe: str, origin: str) -> Tables:
    """Add the shape to the table [model]. Raises UserError for a key that the recipe states with another value.

    The recipe may state more positions than the model has.
    """
    stated = flatten(model)
    positions = stated.get("max_positions")
    if isinstance(positions, int) and positions > shape["max_positions"]:
        shape = shape | {"max_positions": positions}
    for key, value in flatten(shape).items():
        if key in stated and stated[key] != value:
            if key == "max_positions":
                raise UserError(
                    f"{recipe}: model.max_positions: {stated[key]}, and {origin} has {value}; it may be more, which "
                    "repeats the positions of the model, but not less"
                )
            raise UserError(
                f"{recipe}: model.{key}: {stated[key]}, and {origin} has {value}; name another model, or a recipe that "
                "leaves the shape to it, such as adapt"
            )
    return model | shape


def _with_defaults(model: Tables, discriminator: Network, initial: InitialTable) -> Tables:
    """Add the keys that the recipe may state. If it does not, their values follow from the discriminator."""
    defaults: Tables = {"generator": _narrower(discriminator.tower, initial.generator_width)}
    defaults["layer_norm_epsilon"] = discriminator.epsilon
    if model.get("shared_embeddings") == "none":
        defaults["generator_embedding"] = discriminator.shape["embedding"]
    return defaults | model


def _narrower(tower: dict[str, int], width: float) -> dict[str, int]:
    """Shape a generator that is as deep as the discriminator and has a share `width` of its heads and widths."""
    heads = max(1, round(width * tower["heads"]))
    narrower = {name: tower[name] * heads // tower["heads"] for name in ("hidden", "intermediate")}
    return narrower | {"layers": tower["layers"], "heads": heads}
