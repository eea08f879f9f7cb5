"""Embeddings of both towers, and how the discriminator shares those of the generator (`model.shared_embeddings`).

Letters: B rows, L row length, E embedding, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.training_tables import ModelTable

# The embedding tables and the LayerNorm of a tower, by the names of the parameters in `Embeddings`.
Tables = dict[str, Tensor]


class Embeddings(nn.Module):
    """The generator's embeddings: words, positions and token types, and the LayerNorm of their sum."""

    def __init__(self, model: ModelTable, vocabulary_size: int):
        super().__init__()
        width = model.embedding_of_generator
        self.word = nn.Embedding(vocabulary_size, width)
        self.position = nn.Embedding(model.max_positions, width)
        self.token_type = nn.Embedding(model.token_types, width)
        self.norm = nn.LayerNorm(width, eps=model.layer_norm_epsilon)

    def tables(self) -> Tables:
        return dict(self.named_parameters())

    def forward(self, tables: Tables, tokens: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """[B, L] each -> [B, L, E]. `tables` are the tables of the generator or of the discriminator."""
        summed = (
            F.embedding(tokens, tables["word.weight"])
            + F.embedding(positions, tables["position.weight"])
            + F.embedding(segments, tables["token_type.weight"])
        )
        weight, bias = tables["norm.weight"], tables["norm.bias"]
        return F.layer_norm(summed, weight.shape, weight, bias, self.norm.eps)


class Shared(nn.Module):
    """The discriminator uses all embeddings of the generator, and both towers train them (google-research/electra)."""

    def __init__(self, model: ModelTable, vocabulary_size: int):
        super().__init__()

    def tables(self, generator: Tables) -> Tables:
        """The tables of the discriminator, given the tables of the generator."""
        return generator

    def load(self, tables: Tables, generator: Embeddings) -> None:
        """Copy `tables` into the discriminator's tables. A table that is shared changes for the generator too."""
        generator.load_state_dict(tables)


class WordsShared(Shared):
    """The towers share the words. The discriminator has its own positions, token types and LayerNorm (PaddleNLP)."""

    def __init__(self, model: ModelTable, vocabulary_size: int):
        super().__init__(model, vocabulary_size)
        self.position = nn.Embedding(model.max_positions, model.embedding)
        self.token_type = nn.Embedding(model.token_types, model.embedding)
        self.norm = nn.LayerNorm(model.embedding, eps=model.layer_norm_epsilon)

    def tables(self, generator: Tables) -> Tables:
        return generator | dict(self.named_parameters())

    def load(self, tables: Tables, generator: Embeddings) -> None:
        generator.word.load_state_dict({"weight": tables["word.weight"]})
        self.load_state_dict({name: tables[name] for name in self.state_dict()})


class Disentangled(Shared):
    """The discriminator's tables are the generator's plus differences. The discriminator has its own LayerNorm.

    The differences start at zero. The gradients of the discriminator reach only the differences, so the two tasks do
    not pull the same table in two directions. DeBERTaV3 calls this gradient-disentangled embedding sharing (rtd_task.py
    in microsoft/DeBERTa).
    """

    def __init__(self, model: ModelTable, vocabulary_size: int):
        super().__init__(model, vocabulary_size)
        self.word = nn.Parameter(torch.zeros(vocabulary_size, model.embedding))
        self.position = nn.Parameter(torch.zeros(model.max_positions, model.embedding))
        self.token_type = nn.Parameter(torch.zeros(model.token_types, model.embedding))
        self.norm = nn.LayerNorm(model.embedding, eps=model.layer_norm_epsilon)

    def tables(self, generator: Tables) -> Tables:
        summed = {f"{name}.weight": generator[f"{name}.weight"].detach() + own for name, own in self._differences()}
        return summed | {f"norm.{name}": parameter for name, parameter in self.norm.named_parameters()}

    def load(self, tables: Tables, generator: Embeddings) -> None:
        generator_tables = generator.tables()
        own = {name: tables[f"{name}.weight"] - generator_tables[f"{name}.weight"] for name, _ in self._differences()}
        self.load_state_dict(own | {name: tables[name] for name in ("norm.weight", "norm.bias")})

    def _differences(self) -> list[tuple[str, nn.Parameter]]:
        return [("word", self.word), ("position", self.position), ("token_type", self.token_type)]


class Separate(WordsShared):
    """The towers share nothing (`untied_generator_embeddings` in google-research/electra). The widths may differ."""

    def __init__(self, model: ModelTable, vocabulary_size: int):
        super().__init__(model, vocabulary_size)
        self.word = nn.Embedding(vocabulary_size, model.embedding)

    def load(self, tables: Tables, generator: Embeddings) -> None:
        self.load_state_dict(tables)


SHARING = {"all": Shared, "words": WordsShared, "disentangled": Disentangled, "none": Separate}
