"""The check whether a released generator suits a discriminator."""

from __future__ import annotations

from pretrain.released.network import Network

# Embeddings that both networks shared in training may be released twice; the copies differ by at most this rounding.
_ROUNDING = 1e-4
# Tables of the embeddings that both networks of a pair have in common, by `model.shared_embeddings`.
_SHARED_TABLES = {"all": ("word", "position", "token_type", "norm"), "words": ("word",), "disentangled": ()}


def unsuitable(generator: Network, discriminator: Network, sharing: str) -> str:
    """Return the reason why a generator should not train this discriminator, or an empty string if it may."""
    if reason := mismatch(generator, discriminator):
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


def mismatch(generator: Network, discriminator: Network) -> str:
    """Return the reason why a generator cannot work with this discriminator at all, or an empty string if it can."""
    shape, expected = generator.shape, discriminator.shape
    if shape["vocabulary"] != expected["vocabulary"]:
        return f"its vocabulary has {shape['vocabulary']} entries, and the discriminator's {expected['vocabulary']}"
    if shape["embedding"] != expected["embedding"]:
        return f"its embeddings are {shape['embedding']} wide, and the discriminator's {expected['embedding']}"
    return ""
