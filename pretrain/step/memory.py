"""The GPU memory that training needs: the state of every parameter, and the tensors for the backward pass.

All figures are in bytes. They are counted from the code of the model and the step, tensor by tensor, and a test
compares them with the tensors that autograd and the optimizer really hold (`tests/pretrain/step/test_memory.py`). The
context of CUDA, NCCL and fragmentation need further memory.

Letters: N parameters, W processes, T tokens on a device at once, L row length, D hidden, E embedding, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from configs.recipe import Recipe
from configs.share import micro_rows
from configs.training_tables import TowerTable
from pretrain.model.pair import ElectraPair
from pretrain.model.sampling import BLOCK
from pretrain.step.deepspeed_config import reduce_bucket

# The bytes of a weight, a gradient or a moment, in whatever precision the matrix products run.
FP32 = 4


@dataclass(frozen=True)
class Memory:
    """The largest memory that one process needs."""

    weights: int
    gradients: int  # including the buffer in which ZeRO collects them
    moments: int  # the two of Adam; under ZeRO the share of the process, with its share of a copy of the weights
    activations: int  # the tensors that the forward pass saves for the backward pass
    working: int  # temporary tensors next to the activations, when memory use is highest
    update: int  # temporary tensors of the update of the weights, when the activations are freed

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.moments + max(self.activations + self.working, self.update)

    def parts(self) -> dict[str, int]:
        """The parts of the total by their common names."""
        held = {"weights": self.weights, "gradients": self.gradients, "moments": self.moments}
        return held | {"activations and work": self.total - sum(held.values())}


def num_parameters(recipe: Recipe) -> int:
    """The number of parameters, counted on torch's "meta" device, which allocates nothing.

    Raises UserError for objectives that do not fit the recipe.
    """
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in ElectraPair(recipe).parameters())


def memory(recipe: Recipe, parameters: int, world_size: int, narrow: int) -> Memory:
    """The memory of one of `world_size` processes that train a model with `parameters` parameters.

    `narrow` is the number of bytes of a factor in a matrix product: 2 in bf16, 4 in fp32. Raises UserError when the
    number of processes does not divide the batch.
    """
    rows = micro_rows(recipe, world_size) * recipe.batch.views
    return Memory(
        **_state(recipe, parameters, world_size),
        activations=activations(recipe, parameters, rows, narrow),
        working=_working(recipe, rows, narrow),
    )


def _state(recipe: Recipe, parameters: int, world_size: int) -> dict[str, int]:
    """Weights take 4 N bytes, gradients 4 N, and moments 8 N. The update is made in place (optim.py).

    Under ZeRO 1 and 2 (runtime/zero/stage_1_and_2.py, 0.19.8), a process holds its share, 1/W, of the moments and of a
    second copy of the weights, which it updates. The gradients pass through a buffer. The process keeps its share of
    the gradients, and keeps it twice during the update.
    """
    weights, share = FP32 * parameters, FP32 * parameters // world_size
    if not recipe.compute.zero_stage:
        return {"weights": weights, "gradients": weights, "moments": 2 * weights, "update": 0}
    buffer = FP32 * reduce_bucket(recipe, parameters)
    return {"weights": weights, "gradients": buffer + share, "moments": 3 * share, "update": share}


def activations(recipe: Recipe, parameters: int, rows: int, narrow: int) -> int:
    """The tensors that autograd saves in a forward pass of `rows` rows, and in bf16 the copies of weights in bf16."""
    model, length = recipe.model, recipe.data.row_length
    tokens, slots = rows * length, rows * recipe.masking.slots(length)
    towers = sum(_tower(recipe, tower, narrow) for tower in (model.generator, model.discriminator))
    # The bytes for each token: the generator's states, from which its head takes the slots, and the tensors of the
    # discriminator's head, which judges every token.
    heads = FP32 * model.generator.hidden + 3 * narrow * model.discriminator.hidden + 2 * FP32 + 1
    prediction = narrow * (model.generator.hidden + 3 * model.embedding) + FP32 * _logits(recipe) + 2 * FP32
    # In fp32 autograd saves the padded copy of the word table, if padding is needed. In bf16 it saves a cast copy of
    # every weight, and the word table is cast after padding.
    padded = FP32 * model.embedding * _logits(recipe) if _logits(recipe) > recipe.vocabulary.size else 0
    copies = narrow * parameters if narrow < FP32 else padded
    return tokens * (towers + heads) + slots * prediction + copies


def _logits(recipe: Recipe) -> int:
    """The size of the vocabulary with its padding."""
    return recipe.vocabulary.size + -recipe.vocabulary.size % BLOCK


def _tower(recipe: Recipe, tower: TowerTable, narrow: int) -> int:
    """The bytes that a tower saves for each token: its id, the tensors of its embeddings, and its layers."""
    model = recipe.model
    embedded = 8 + FP32 * model.embedding + 2 * FP32 + (model.dropout > 0) * model.embedding
    projected = 0 if tower.hidden == model.embedding else narrow * model.embedding
    return embedded + projected + tower.layers * _layer(recipe, tower, narrow)


def _layer(recipe: Recipe, tower: TowerTable, narrow: int) -> int:
    """The bytes that a layer saves for each token.

    In the type of the matrix products, these are 6 D: the input of the layer, from which query, key and value are
    computed, these three, the output of attention, and the input of the feed-forward part. The same type is used for
    the inner states of the feed-forward part, before and after the gelu, and for the mask of the examples, which all
    heads share. In fp32 (`wide`), these are the inputs of the two LayerNorms, their means and deviations, and the
    logarithm of the softmax's sum for each head. Each bit of a dropout mask takes a byte.
    """
    products = narrow * (6 * tower.hidden + 2 * tower.intermediate + recipe.data.row_length)
    wide = FP32 * (2 * tower.hidden + 4 + tower.heads)
    return products + wide + (recipe.model.dropout > 0) * 2 * tower.hidden


def _working(recipe: Recipe, rows: int, narrow: int) -> int:
    """The bytes of temporary tensors.

    They are the attention mask of all rows, the gradients of the generator's distributions, and the gradients of a
    single layer of the discriminator.
    """
    length, tower = recipe.data.row_length, recipe.model.discriminator
    distributions = FP32 * _logits(recipe) * recipe.masking.slots(length)
    layer = narrow * tower.intermediate + FP32 * tower.hidden
    return rows * (length * length + distributions + length * layer)
