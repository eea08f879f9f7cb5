"""A model of any kind as a pair that can be scored: its discriminator, and the generator that puts it to the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from configs.common.errors import UserError
from configs.load import from_tables, read
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.released.generators import other_layers
from pretrain.released.initialization import InitialWeights, new_rows
from pretrain.released.lookup import open_released
from pretrain.released.network import Network, Released

# Every model gets the same test, whatever it was trained with: all slots show [MASK], and the replacements are drawn
# from the generator's distribution without a temperature.
_CORRUPTION = {"mask": 1.0, "random": 0.0, "keep": 0.0, "temperature": 1.0, "candidates": 0}


@dataclass(frozen=True)
class ScoredModel:
    """A model to be scored, and the model whose generator makes the replacements."""

    model: Released
    generator: Released  # the model whose generator fills the slots; most often the model itself
    detects: bool  # whether there is a discriminator with its head

    @property
    def uses_its_own_generator(self) -> bool:
        return self.generator is self.model

    def remarks(self) -> Iterator[str]:
        """Yield sentences on facts about the files that a reader of the scores should know."""
        yield from self.model.remarks()
        if not self.uses_its_own_generator:
            yield from self.generator.remarks()

    def pair_for(self, corpus: Corpus) -> tuple[ElectraPair, Recipe]:
        """Return the pair, on the CPU in evaluation mode, and the recipe by which rows of this corpus are corrupted.

        Raises UserError when the corpus has another vocabulary, or longer rows than the model has positions.
        """
        generator = _with_rows_for(corpus, self.generator, self.generator.networks["generator"])
        # A pair needs two networks. If there is no discriminator, the generator fills its place but is not run there.
        discriminator = (
            _with_rows_for(corpus, self.model, self.model.networks["discriminator"])
            if "discriminator" in self.model.networks
            else _as_discriminator(generator)
        )
        # Rows are never longer than this, or the recipe is refused.
        positions = min(network.shape["max_positions"] for network in (generator, discriminator))
        generator, discriminator = (_first_positions(network, positions) for network in (generator, discriminator))
        networks = replace(
            self.model,
            networks={"generator": generator, "discriminator": discriminator},
            vocabulary=corpus.folder,
        )
        recipe = _recipe(generator, discriminator, corpus)
        pair = ElectraPair(recipe)
        InitialWeights(networks, generator, ()).load(pair, corpus.folder)
        return pair.eval(), recipe


def open_scored_model(model: str, generator: str | None) -> ScoredModel:
    """Open a run, a checkpoint, an export, or anything else that `--init-from` takes.

    `generator` names another model, whose generator fills the slots. Raises UserError when there is no generator, or it
    does not fit.
    """
    released = open_released(model)
    filler = open_released(generator) if generator else released
    if "generator" not in filler.networks:
        raise UserError(
            f"{filler.origin}: holds a discriminator alone, and a discriminator is tested with the replacements of a "
            "generator; name a model that has one with --generator"
        )
    discriminator = released.networks.get("discriminator")
    if discriminator and (reason := other_layers(filler.networks["generator"], discriminator)):
        raise UserError(
            f"{filler.origin}: its generator cannot be used with {released.origin}: {reason}; name another with "
            "--generator"
        )
    if not discriminator and generator:
        raise UserError(f"{released.origin}: holds a generator alone; score it without --generator")
    return ScoredModel(released, filler, discriminator is not None and discriminator.has_head)


def _with_rows_for(corpus: Corpus, released: Released, network: Network) -> Network:
    """Give the network rows for all entries of the corpus's vocabulary, which may extend that of the model.

    The two networks of a test may come from models with different vocabularies: the adapted model has trained rows for
    the added words, and the released one gets the mean of their pieces. Raises UserError for another vocabulary.
    """
    return replace(network, weights=new_rows(released, corpus.folder).fit(network.weights))


def _first_positions(network: Network, number: int) -> Network:
    table = network.weights["embeddings.position.weight"][:number]
    return replace(network, weights=network.weights | {"embeddings.position.weight": table})


def _as_discriminator(generator: Network) -> Network:
    weights = {
        name.replace("generator.", "discriminator.", 1): tensor
        for name, tensor in generator.weights.items()
        if not name.startswith("objectives.")
    }
    return replace(generator, part="discriminator", weights=weights)


def _recipe(generator: Network, discriminator: Network, corpus: Corpus) -> Recipe:
    """Make the recipe `adapt` with this shape, this corpus and `_CORRUPTION`.

    Each network keeps its own embeddings.
    """
    tables = read("adapt")
    tables["seed"] = corpus.manifest.seed
    tables |= {name: getattr(corpus, name).model_dump(mode="json") for name in ("data", "vocabulary", "masking")}
    tables["corruption"] = _CORRUPTION
    shape = {name: discriminator.shape[name] for name in ("embedding", "max_positions", "token_types")}
    shape["generator_embedding"] = generator.shape["embedding"]
    towers = {"discriminator": discriminator.tower, "generator": generator.tower}
    common = {"layer_norm_epsilon": discriminator.epsilon, "shared_embeddings": "none"}
    tables["model"] |= shape | towers | common
    return from_tables(tables, f"{corpus.folder} with {discriminator.origin}")
