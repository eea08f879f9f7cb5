"""The choice of the generator of a run, and the check whether a released generator suits a discriminator."""

from __future__ import annotations

from dataclasses import dataclass

from configs.common.errors import UserError
from configs.vocabulary.entries import first_difference, read_folder
from pretrain.released.lookup import open_released
from pretrain.released.network import Network, Released

# Embeddings that both networks shared in training may be released twice; the copies differ by at most this rounding.
_ROUNDING = 1e-4
# Tables of the embeddings that both networks of a pair have in common, by `model.shared_embeddings`.
_SHARED_TABLES = {"all": ("word", "position", "token_type", "norm"), "words": ("word",)}


@dataclass(frozen=True)
class Choice:
    """The generator of a run, and sentences for people about the choice."""

    network: Network | None  # None: it is new
    remarks: tuple[str, ...] = ()
    model: Released | None = None  # the model of its own that it comes from, if it does


def generator_of(name: str, released: Released) -> Choice:
    """Open the model `name` (`initial.generator_from`) and take its generator for the discriminator of `released`.

    Raises UserError if the model has no generator, or if its generator cannot work with the discriminator.
    """
    model = open_released(name)
    generator = model.networks.get("generator")
    if generator is None or not generator.has_head:
        raise UserError(
            f"initial.generator_from: {name}: has no head that predicts masked words; name an ELECTRA's generator or a "
            "BertForMaskedLM"
        )
    reason = _other_entries(model, released) or mismatch(generator, released.networks["discriminator"], "none")
    if reason:
        raise UserError(
            f"initial.generator_from: {name}: {reason}, so it cannot generate for {released.origin}; name another"
        )
    remarks = [f"generator: taken from {name}; it shares no embeddings with the discriminator"]
    return Choice(generator, (*remarks, *model.remarks()), model)


def _other_entries(generator: Released, discriminator: Released) -> str:
    """Return a sentence with the first entry in which two vocabularies differ, if both are known and one differs."""
    if generator.vocabulary is None or discriminator.vocabulary is None:
        return ""
    return first_difference(read_folder(generator.vocabulary), read_folder(discriminator.vocabulary))


def unsuitable(generator: Network, discriminator: Network, sharing: str) -> str:
    """Return the reason why a generator should not train this discriminator, or an empty string if it may."""
    if reason := mismatch(generator, discriminator, sharing):
        return reason
    if generator.shape["hidden"] >= discriminator.shape["hidden"]:
        return f"it is as wide as the discriminator ({generator.shape['hidden']}), whose task it makes too hard"
    # A value of `sharing` that is not in the table is refused later, when the recipe is built.
    prefixes = tuple(f"embeddings.{table}." for table in _SHARED_TABLES.get(sharing, ()))
    for name in filter(lambda name: name.startswith(prefixes), generator.weights):
        tensor, shared = generator.weights[name], discriminator.weights[name]
        if tensor.shape != shared.shape:
            return f"its {name.removesuffix('.weight')} has another shape than the discriminator's"
        difference = float((tensor - shared).abs().max())
        if difference > _ROUNDING:
            return f"its {name.removesuffix('.weight')} is not the discriminator's (they differ by {difference:.2g})"
    return ""


def mismatch(generator: Network, discriminator: Network, sharing: str) -> str:
    """Return the reason why a generator cannot work with this discriminator at all, or an empty string if it can.

    `sharing` is `model.shared_embeddings`. With "none" the embeddings may have another width.
    """
    shape, expected = generator.shape, discriminator.shape
    if shape["vocabulary"] != expected["vocabulary"]:
        return f"its vocabulary has {shape['vocabulary']} entries, and the discriminator's {expected['vocabulary']}"
    if reason := other_layers(generator, discriminator):
        return reason
    if shape["embedding"] != expected["embedding"] and sharing != "none":
        return f"its embeddings are {shape['embedding']} wide, and the discriminator's {expected['embedding']}"
    return ""


def other_layers(generator: Network, discriminator: Network) -> str:
    """Return the reason why one pair cannot hold both networks, whatever their vocabularies and widths are."""
    if generator.epsilon != discriminator.epsilon:
        return (
            f"its LayerNorms have the epsilon {generator.epsilon:g}, and the discriminator's {discriminator.epsilon:g}"
        )
    types, expected = generator.shape["token_types"], discriminator.shape["token_types"]
    return "" if types == expected else f"it has {types} token types, and the discriminator {expected}"
