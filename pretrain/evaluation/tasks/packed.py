"""The discriminator that the heads of transformers are given: our own encoder, on rows that hold several texts.

The texts of a batch are packed into rows, so that next to nothing is computed for padding. Attention stops at the
borders of a text, as in pretraining.

Letters: B texts, L tokens of the longest text, R rows, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from configs.training_tables import ModelTable
from pretrain.model import attention
from pretrain.model.embeddings import Embeddings
from pretrain.model.encoder import Encoder
from pretrain.released.network import Network


class PackedDiscriminator(nn.Module):
    """A discriminator without a head, with the inputs and outputs of transformers' ElectraModel."""

    def __init__(self, network: Network, dropout: float, attention_dropout: float):
        super().__init__()
        model = _model_table(network, dropout, attention_dropout)
        self.embeddings = Embeddings(model, network.shape["vocabulary"])
        self.discriminator = Encoder(model.discriminator, model, model.embedding)
        self.load_state_dict({name: network.weights[name] for name in self.state_dict()})

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, **_: Any) -> Any:
        """Compute the states of padded texts, [B, L] each -> [B, L, D], below the top layer and above it.

        The states of padding are 0.
        """
        from transformers.modeling_outputs import BaseModelOutput

        text, token = attention_mask.nonzero(as_tuple=True)
        begins, length, num_rows = pack(attention_mask.sum(1).tolist())
        places = torch.tensor(begins, device=text.device)[text] + token

        def in_rows(values: Tensor) -> Tensor:
            return values.new_zeros(num_rows * length).index_put((places,), values).view(num_rows, length)

        def padded(states: Tensor) -> Tensor:
            empty = states.new_zeros(*input_ids.shape, states.shape[-1])
            return empty.index_put((text, token), states.flatten(0, 1).index_select(0, places))

        tokens, segments = in_rows(input_ids[text, token]), in_rows(token_type_ids[text, token])
        embedded = self.embeddings(self.embeddings.tables(), tokens, in_rows(token), segments)
        below, top = self.discriminator.top_states(embedded, attention.bounds(in_rows(text + 1)))
        return BaseModelOutput(padded(top), hidden_states=(padded(below), padded(top)))


def _model_table(network: Network, dropout: float, attention_dropout: float) -> ModelTable:
    """The shape of the network as the table of a recipe. Our modules read nothing of the generator from it."""
    shape = {name: network.shape[name] for name in ("embedding", "max_positions", "token_types")}
    rates = {"dropout": dropout, "attention_dropout": attention_dropout}
    towers = {"generator": network.tower, "discriminator": network.tower, "shared_embeddings": "all"}
    numbers = {"layer_norm_epsilon": network.epsilon, "initializer": "normal", "initializer_range": 0.02}
    return ModelTable.model_validate(shape | rates | towers | numbers)


def pack(lengths: Sequence[int]) -> tuple[list[int], int, int]:
    """Pack texts into rows as long as the longest text: the longest text first, into the first row that has room.

    Returns the place where each text begins if the rows are laid end to end, the length of a row, and the number of
    rows.
    """
    length, free, begins = max(lengths), list[int](), [0] * len(lengths)
    for text in sorted(range(len(lengths)), key=lambda text: -lengths[text]):
        row = next((row for row, room in enumerate(free) if room >= lengths[text]), len(free))
        if row == len(free):
            free.append(length)
        begins[text] = (row + 1) * length - free[row]
        free[row] -= lengths[text]
    return begins, length, len(free)
