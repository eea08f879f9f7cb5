"""A model of any kind as a pair that can be scored: its discriminator, and the generator that puts it to the test."""

from __future__ import annotations

from dataclasses import dataclass, replace

from configs.common.errors import UserError
from configs.load import from_tables, read
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.released.adaptation import misfit
from pretrain.released.initialization import Beginning, check_vocabulary
from pretrain.released.lookup import open_released
from pretrain.released.network import Network, Released

# Whatever a model was trained with, it is asked the same: every slot shows [MASK], and what replaces it is drawn from
# the generator's distribution as it is.
_CORRUPTION = {"mask": 1.0, "random": 0.0, "keep": 0.0, "temperature": 1.0, "candidates": 0}
_HEAD = "objectives.rtd.prediction.weight"


@dataclass(frozen=True)
class Judged:
    """A model, and what is known of it before it is scored."""

    model: Released
    generator: Released  # whose generator fills the slots; most often the model itself
    detects: bool  # whether there is a discriminator with its head

    @property
    def is_its_own(self) -> bool:
        return self.generator is self.model

    def pair_for(self, corpus: Corpus) -> tuple[ElectraPair, Recipe]:
        """The pair on the CPU in evaluation mode, and the recipe that says how rows of this corpus are asked.

        Raises UserError when the corpus has another vocabulary, or longer rows than the model has positions.
        """
        for released in {id(released): released for released in (self.model, self.generator)}.values():
            check_vocabulary(released, corpus.folder)
        generator = self.generator.networks["generator"]
        # A generator without a discriminator stands in its place as well, where nobody looks.
        main = self.model.networks.get("discriminator") or _in_its_place(generator)
        networks = Released(
            self.model.origin,
            {"generator": generator, "discriminator": _without_prediction(main)},
            self.model.vocabulary,
        )
        recipe = _recipe(generator, main, corpus)
        pair = ElectraPair(recipe)
        Beginning(networks, generator, ()).load(pair, corpus.folder)
        return pair.eval(), recipe


def open_judged(model: str, generator: str | None) -> Judged:
    """A run, a checkpoint, an export, or anything that `--init-from` takes; `generator` names another model whose
    generator fills the slots.

    Raises UserError when there is no generator, or it does not fit.
    """
    released = open_released(model)
    filler = open_released(generator) if generator else released
    if "generator" not in filler.networks:
        raise UserError(
            f"{filler.origin}: holds a discriminator alone, and what it detects is what a generator put in; name a "
            "model that has one with --generator"
        )
    main = released.networks.get("discriminator")
    if main and (reason := misfit(filler.networks["generator"], main)):
        raise UserError(
            f"{filler.origin}: its generator cannot be used with {released.origin}: {reason}; name another with "
            "--generator"
        )
    if not main and generator:
        raise UserError(f"{released.origin}: holds a generator alone; score it without --generator")
    return Judged(released, filler, main is not None and _HEAD in main.weights)


def _without_prediction(main: Network) -> Network:
    """A run's discriminator comes with all heads of the pair, and the generator may be another's."""
    kept = {name: tensor for name, tensor in main.weights.items() if not name.startswith("objectives.mlm.")}
    return replace(main, weights=kept)


def _in_its_place(generator: Network) -> Network:
    weights = {
        name.replace("generator.", "discriminator.", 1): tensor
        for name, tensor in generator.weights.items()
        if not name.startswith("objectives.")
    }
    return replace(generator, part="discriminator", weights=weights)


def _recipe(generator: Network, main: Network, corpus: Corpus) -> Recipe:
    """`adapt` with this shape, this corpus and `_CORRUPTION`. Disentangled embeddings leave each network its own."""
    tables = read("adapt")
    tables["seed"] = corpus.manifest.seed
    tables |= {name: getattr(corpus, name).model_dump(mode="json") for name in ("data", "vocabulary", "masking")}
    tables["corruption"] = _CORRUPTION
    shape = {name: main.shape[name] for name in ("embedding", "max_positions", "token_types")}
    towers = {"discriminator": main.tower, "generator": generator.tower}
    epsilon = {"layer_norm_epsilon": main.epsilon, "shared_embeddings": "disentangled"}
    tables["model"] |= shape | towers | epsilon
    return from_tables(tables, f"{corpus.folder} with {main.origin}")
