"""What becomes of a released model in a run: the recipe takes its shape, and decides about its generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.load import from_tables, load, validate
from configs.recipe import Recipe, flatten
from configs.training_tables import InitialTable
from data_prep.shards import Corpus
from pretrain.released.initialization import Beginning
from pretrain.released.lookup import open_released
from pretrain.released.network import Network, Released
from pretrain.run import checkpoint
from pretrain.run.checkpoint import RECIPE
from pretrain.run.folder import CHECKPOINTS

# Copies of embeddings that were trained as one differ by rounding alone.
_ROUNDING = 1e-4


def begin(
    tables: dict[str, Any], recipe: str, model: str | None, corpus: Corpus, run: Path
) -> tuple[Recipe, Beginning | None]:
    """The recipe of a run, with the shape of the model and the vocabulary of the corpus, and that model.

    A run that has a checkpoint goes on from there, with the shape that it has; the model may be gone.
    """
    if model is None:
        if "discriminator" not in tables.get("model", {}):
            raise UserError(f"{recipe}: takes its shape from a released model; name that model with --init-from")
        return from_tables(tables, recipe), None
    tables["vocabulary"] = corpus.vocabulary.model_dump(mode="json")
    if checkpoint.found(run / CHECKPOINTS) and (run / RECIPE).is_file():
        return from_tables(_with_shape_of(run, tables), recipe), None
    beginning = plan(open_released(model), tables, recipe)
    return from_tables(tables, recipe), beginning


def _with_shape_of(run: Path, tables: dict[str, Any]) -> dict[str, Any]:
    """The tables of a recipe, and what a run has beside them from its model; what they state is compared later."""
    ours = load(str(run / RECIPE)).to_dict()
    if "initial" not in ours:
        raise UserError(f"{run}: did not begin with a released model; continue it without --init-from")
    initial = tables.get("initial", ours["initial"])
    if not ours["initial"]["generator_steps"]:  # the model's own generator was kept
        initial = initial | {"generator_steps": 0}
    return tables | {"model": ours["model"] | tables.get("model", {}), "initial": initial}


def plan(released: Released, tables: dict[str, Any], recipe: str) -> Beginning:
    """Complete the tables of a recipe with the model's shape, and decide what becomes of its generator.

    Raises UserError when the recipe has no [initial], states another shape, or refuses the generator.
    """
    if "initial" not in tables:
        raise UserError(f"{recipe}: has no table [initial], which says what becomes of a released model; adapt has one")
    initial = validate(InitialTable, tables["initial"], recipe, "initial.")
    if "discriminator" not in released.networks:
        raise UserError(f"{released.origin}: holds a generator alone; name the discriminator, or a model with both")
    model = tables.setdefault("model", {})
    main, generator = released.networks["discriminator"], released.networks.get("generator")
    unfit = _unfit(generator, main, model.get("shared_embeddings", "all")) if generator else "there is none"
    remarks = [remark for network in released.networks.values() for remark in network.contradictions()]
    if unfit and initial.generator != "build":
        _check_kept(initial, unfit, generator, released)
    kept = generator if generator and (not unfit or initial.generator == "keep") else None
    if kept:
        tables["initial"] = tables["initial"] | {"generator_steps": 0}
    if unfit:
        remarks.append(f"generator: {unfit}; {'it is kept all the same' if kept else 'a fresh one is built'}")
    shape = {name: main.shape[name] for name in ("embedding", "max_positions", "token_types")}
    towers = {"discriminator": main.tower, "generator": kept.tower if kept else None}
    _state(model, shape | towers, recipe, released.origin)
    model.setdefault("generator", _narrower(main.tower, initial.generator_width))
    model.setdefault("layer_norm_epsilon", main.epsilon)
    return Beginning(released, kept, tuple(remarks))


def _check_kept(initial: InitialTable, unfit: str, generator: Network | None, released: Released) -> None:
    """Raises UserError where the recipe refuses the generator, or it cannot be kept."""
    keeps = initial.generator == "keep" and generator and not misfit(generator, released.networks["discriminator"])
    if not keeps:
        raise UserError(
            f"{released.origin}: generator: {unfit}, so it cannot be kept (initial.generator is "
            f"{initial.generator!r}); set initial.generator=build for a fresh one"
        )


def _state(model: dict[str, Any], shape: dict[str, Any], recipe: str, origin: str) -> None:
    """Enter the shape; raises UserError for a key that the recipe states otherwise."""
    stated = flatten(model)
    for key, value in flatten({name: table for name, table in shape.items() if table is not None}).items():
        if key in stated and stated[key] != value:
            raise UserError(
                f"{recipe}: model.{key}: {stated[key]}, and {origin} has {value}; name another model, or a recipe that "
                "leaves the shape to it, such as adapt"
            )
    model.update({name: table for name, table in shape.items() if table is not None})


def _unfit(generator: Network, discriminator: Network, sharing: str) -> str:
    """Why a generator should not train this discriminator; empty when it may."""
    if reason := misfit(generator, discriminator):
        return reason
    if generator.shape["hidden"] >= discriminator.shape["hidden"]:
        return f"it is as wide as the discriminator ({generator.shape['hidden']}), whose task it makes too hard"
    shared = {"all": ("word", "position", "token_type", "norm"), "words": ("word",), "disentangled": ()}[sharing]
    for name, tensor in generator.weights.items():
        if name.startswith(tuple(f"embeddings.{table}." for table in shared)):
            apart = float((tensor - discriminator.weights[name]).abs().max())
            if apart > _ROUNDING:
                return f"its {name.removesuffix('.weight')} is not the discriminator's (they differ by {apart:.2g})"
    return ""


def misfit(generator: Network, discriminator: Network) -> str:
    """Why a generator cannot work with this discriminator at all."""
    ours, theirs = generator.shape, discriminator.shape
    if ours["vocabulary"] != theirs["vocabulary"]:
        return f"its vocabulary has {ours['vocabulary']} entries, and the discriminator's {theirs['vocabulary']}"
    if ours["embedding"] != theirs["embedding"]:
        return f"its embeddings are {ours['embedding']} wide, and the discriminator's {theirs['embedding']}"
    return ""


def _narrower(tower: dict[str, int], width: float) -> dict[str, int]:
    """A generator for a discriminator: as deep, of a share of its heads."""
    heads = max(1, round(width * tower["heads"]))
    narrower = {name: tower[name] * heads // tower["heads"] for name in ("hidden", "intermediate")}
    return narrower | {"layers": tower["layers"], "heads": heads}
