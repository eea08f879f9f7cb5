"""The encoder: BERT's post-LayerNorm Transformer as ELECTRA uses it (google-research/electra, model/modeling.py).

Letters: B rows, L row length, E embedding, D hidden, V vocabulary.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from configs.training_tables import ModelTable, TowerTable
from pretrain.model.attention import Bounds, SelfAttention
from pretrain.model.dropout import Dropout
from pretrain.model.linear import Linear


class Layer(nn.Module):
    """Attention and a feed-forward part. Each is followed by a residual connection and a LayerNorm."""

    def __init__(self, tower: TowerTable, model: ModelTable):
        super().__init__()
        self.attention = SelfAttention(tower.hidden, tower.heads, model.attention_dropout)
        self.attention_norm = nn.LayerNorm(tower.hidden, eps=model.layer_norm_epsilon)
        self.intermediate = Linear(tower.hidden, tower.intermediate)
        self.output = Linear(tower.intermediate, tower.hidden)
        self.output_norm = nn.LayerNorm(tower.hidden, eps=model.layer_norm_epsilon)
        self.dropout = Dropout(model.dropout)

    def forward(self, states: Tensor, bounds: Bounds) -> Tensor:
        """[B, L, D] -> [B, L, D]"""
        states = self.attention_norm(self.dropout.add(states, self.attention(states, bounds)))
        return self.output_norm(self.dropout.add(states, self.output(F.gelu(self.intermediate(states)))))


class Encoder(nn.Module):
    """A tower: a projection of the embeddings to the width of the tower, if the widths differ, and the layers."""

    def __init__(self, tower: TowerTable, model: ModelTable, embedding: int):
        super().__init__()
        self.dropout = Dropout(model.dropout)
        same_width = tower.hidden == embedding
        self.projection = nn.Identity() if same_width else Linear(embedding, tower.hidden)
        self.layers = nn.ModuleList(Layer(tower, model) for _ in range(tower.layers))

    def forward(self, embedded: Tensor, bounds: Bounds) -> Tensor:
        """[B, L, E] -> [B, L, D]. `bounds` is the result of `attention.bounds`."""
        return self.top_states(embedded, bounds)[1]

    def top_states(self, embedded: Tensor, bounds: Bounds) -> tuple[Tensor, Tensor]:
        """[B, L, E] -> [B, L, D] twice: the states below the top layer, and the states above it."""
        # Under autocast the projection gives bf16. The states between the layers are fp32, because LayerNorm returns
        # fp32 on a GPU.
        below = states = self.projection(self.dropout(embedded)).float()
        for layer in self.layers:
            below, states = states, layer(states, bounds)
        return below, states


def initialize(module: nn.Module, model: ModelTable) -> None:
    """Give matrices and tables their initial values by `model.initializer`. Biases are 0, and LayerNorms scale by 1."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            draw(part.weight, model)
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)
    for part in module.modules():
        if isinstance(part, Encoder) and isinstance(part.projection, nn.Linear):
            draw_glorot(part.projection.weight, model)


def draw(weight: Tensor, model: ModelTable) -> None:
    """Draw a weight from a normal distribution with standard deviation `initializer_range`.

    With `model.initializer = "truncated_normal"`, the distribution is cut at two standard deviations.
    """
    deviation = model.initializer_range
    if model.initializer == "truncated_normal":
        nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    else:
        nn.init.normal_(weight, std=deviation)


def draw_glorot(weight: Tensor, model: ModelTable) -> None:
    """Draw the weight of a layer that Google builds without an initializer.

    TensorFlow's default for such a layer is Glorot's uniform distribution.
    """
    if model.initializer == "truncated_normal":
        nn.init.xavier_uniform_(weight)
