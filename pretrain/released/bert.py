"""BERT under ELECTRA's names.

Without a projection, ELECTRA's encoder is BERT's encoder. So a BERT is a discriminator without a head. A BERT with a
head for masked words is a generator too, because that head has exactly the tensors of a generator's head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from configs.common.errors import UserError
from pretrain.released.names import from_huggingface, left_out
from pretrain.released.network import Network, Weights

# BERT's names of the modules of its head for masked words, and ELECTRA's names of the same modules. In both models, the
# projection to the vocabulary is the table of word embeddings.
PREDICTION = {
    "cls.predictions.transform.dense": "generator_predictions.dense",
    "cls.predictions.transform.LayerNorm": "generator_predictions.LayerNorm",
    "cls.predictions": "generator_lm_head",
}
_WORDS, _BIAS = "electra.embeddings.word_embeddings.weight", "cls.predictions.bias"
# Files may store the tensors of the projection a second time under these names.
_DECODER = {"weight": "cls.predictions.decoder.weight", "bias": "cls.predictions.decoder.bias"}


def has_head(state: Weights) -> bool:
    """Whether a state holds BERT's head for masked words."""
    return any(name.startswith("cls.predictions.") for name in state)


def networks(state: Weights, config: dict[str, Any], origin: str) -> list[Network]:
    """Return the networks in the state of a BERT, whose encoder has the prefix `electra.`.

    Raises UserError if the head for masked words does not end with the word embeddings.
    """
    state = _without_copies(state, origin)
    renamed = {_electra_name(name): tensor for name, tensor in state.items()}
    encoder, generator = (from_huggingface(renamed, part) for part in ("discriminator", "generator"))
    unused = left_out(renamed, "generator", generator)
    networks = [Network("discriminator", encoder, config, origin, unused)]
    return [*networks, Network("generator", generator, config, origin)] if has_head(state) else networks


def _electra_name(name: str) -> str:
    module, _, kind = name.rpartition(".")
    return f"{PREDICTION[module]}.{kind}" if module in PREDICTION else name


def _without_copies(state: Weights, origin: str) -> Weights:
    """Remove the second copies of the projection's tensors. They must be equal to the first ones."""
    state = dict(state)
    table, bias = (state.pop(name, None) for name in _DECODER.values())
    if bias is not None:
        state.setdefault(_BIAS, bias)
    if table is not None:
        refuse_untied(state, table, f"{origin}: {_DECODER['weight']}", "bert")
    return state


def refuse_untied(state: Weights, table: Tensor, name: str, encoder: str) -> None:
    """Raise UserError if the matrix of an output, `name`, is not the table of word embeddings of `state`."""
    if _WORDS in state and not torch.equal(table, state[_WORDS]):
        raise UserError(
            f"{name} is not the table of its word embeddings (tie_word_embeddings is false), and in ELECTRA both are "
            f"the same; save its encoder alone (model.{encoder}.save_pretrained)"
        )
