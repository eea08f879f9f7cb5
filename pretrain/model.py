"""The encoder: BERT's post-LayerNorm Transformer as ELECTRA uses it (google-research/electra, model/modeling.py).

Letters: B rows, L row length, E embedding, D hidden, V vocabulary.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from configs.recipe import Model, Tower
from pretrain.attention import SelfAttention


class Embeddings(nn.Module):
    """Words, positions and token types, shared by generator and discriminator with their LayerNorm."""

    def __init__(self, model: Model, vocabulary_size: int):
        super().__init__()
        self.word = nn.Embedding(vocabulary_size, model.embedding)
        self.position = nn.Embedding(model.max_positions, model.embedding)
        self.token_type = nn.Embedding(model.token_types, model.embedding)
        self.norm = nn.LayerNorm(model.embedding, eps=model.layer_norm_epsilon)
        self.dropout = nn.Dropout(model.dropout)

    def forward(self, tokens: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """[B, L] each -> [B, L, E]"""
        return self.dropout(self.norm(self.word(tokens) + self.position(positions) + self.token_type(segments)))


class Layer(nn.Module):
    """Attention and feed-forward, each with its residual and a LayerNorm behind it."""

    def __init__(self, tower: Tower, model: Model):
        super().__init__()
        self.attention = SelfAttention(tower.hidden, tower.heads, model.attention_dropout)
        self.attention_norm = nn.LayerNorm(tower.hidden, eps=model.layer_norm_epsilon)
        self.intermediate = nn.Linear(tower.hidden, tower.intermediate)
        self.output = nn.Linear(tower.intermediate, tower.hidden)
        self.output_norm = nn.LayerNorm(tower.hidden, eps=model.layer_norm_epsilon)
        self.dropout = nn.Dropout(model.dropout)

    def forward(self, states: Tensor, bounds: Tensor) -> Tensor:
        """[B, L, D] -> [B, L, D]"""
        states = self.attention_norm(states + self.dropout(self.attention(states, bounds)))
        return self.output_norm(states + self.dropout(self.output(F.gelu(self.intermediate(states)))))


class Encoder(nn.Module):
    """A tower: the embeddings projected to its width, if that differs, and its layers."""

    def __init__(self, tower: Tower, model: Model):
        super().__init__()
        same_width = tower.hidden == model.embedding
        self.projection = nn.Identity() if same_width else nn.Linear(model.embedding, tower.hidden)
        self.layers = nn.ModuleList(Layer(tower, model) for _ in range(tower.layers))

    def forward(self, embedded: Tensor, bounds: Tensor) -> Tensor:
        """[B, L, E] -> [B, L, D]; `bounds` as attention.bounds gives them."""
        # Under autocast the projection gives bf16; the residual stream stays fp32, as behind every LayerNorm on a GPU.
        states = self.projection(embedded).float()
        for layer in self.layers:
            states = layer(states, bounds)
        return states


def initialize(module: nn.Module, deviation: float) -> None:
    """Google's initial values: a normal of standard deviation `deviation` cut at two deviations; biases 0, norms 1.

    Layers that Google builds without an initializer have TensorFlow's default, Glorot's uniform (`glorot`).
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.trunc_normal_(part.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)
    for part in module.modules():
        if isinstance(part, Encoder) and isinstance(part.projection, nn.Linear):
            glorot(part.projection)


def glorot(linear: nn.Linear) -> None:
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
