"""What training keeps in the memory of a GPU: the state of every parameter, and what the backward pass needs.

All figures are bytes. Counted from the code of this room, tensor by tensor, and compared with what autograd and the
optimizer really hold (`tests/pretrain/step/test_memory.py`). CUDA's context, NCCL and fragmentation come on top.

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

# Of weights, gradients and moments, whatever the matrix products run in.
FP32 = 4


@dataclass(frozen=True)
class Memory:
    """Of one process, at most."""

    weights: int
    gradients: int  # and the buffer that ZeRO brings them together in
    moments: int  # Adam's two; under ZeRO its share of them, and of the weights that it updates
    activations: int  # what the forward pass leaves for the backward pass
    working: int  # what comes and goes beside the activations at the highest moment
    update: int  # what comes and goes in the update of the weights, when the activations are gone

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.moments + max(self.activations + self.working, self.update)

    def parts(self) -> dict[str, int]:
        """What the total is made of, by what people call it."""
        held = {"weights": self.weights, "gradients": self.gradients, "moments": self.moments}
        return held | {"activations and work": self.total - sum(held.values())}


def num_parameters(recipe: Recipe) -> int:
    """N, counted on torch's "meta" device, which allocates nothing. Raises UserError for objectives that do not fit."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in ElectraPair(recipe).parameters())


def memory(recipe: Recipe, parameters: int, world_size: int, narrow: int) -> Memory:
    """Of one of so many processes with a model of so many parameters.

    `narrow` is the width of what matrix products take: 2 in bf16, 4 in fp32. Raises UserError when the processes do not
    divide the batch.
    """
    rows = micro_rows(recipe, world_size) * recipe.batch.views
    return Memory(
        **_state(recipe, parameters, world_size),
        activations=activations(recipe, parameters, rows, narrow),
        working=_working(recipe, rows, narrow),
    )


def _state(recipe: Recipe, parameters: int, world_size: int) -> dict[str, int]:
    """Weights 4 N, gradients 4 N, moments 8 N; the update is in place (optim.py).

    Under ZeRO 1 and 2 (runtime/zero/stage_1_and_2.py, 0.19.8) a process has its share 1/W of the moments and of a
    second copy of the weights, which it updates; the gradients pass through a buffer, and its share of them is kept
    twice while it updates.
    """
    weights, share = FP32 * parameters, FP32 * parameters // world_size
    if not recipe.compute.zero_stage:
        return {"weights": weights, "gradients": weights, "moments": 2 * weights, "update": 0}
    buffer = FP32 * reduce_bucket(recipe, parameters)
    return {"weights": weights, "gradients": buffer + share, "moments": 3 * share, "update": share}


def activations(recipe: Recipe, parameters: int, rows: int, narrow: int) -> int:
    """What autograd saves in one forward pass of so many rows, and in bf16 the weights as the products take them."""
    model, length = recipe.model, recipe.data.row_length
    tokens, slots = rows * length, rows * recipe.masking.slots(length)
    towers = sum(_tower(recipe, tower, narrow) for tower in (model.generator, model.discriminator))
    # The states of a tower that its head picks from, and its head for every token.
    heads = FP32 * model.generator.hidden + 3 * narrow * model.discriminator.hidden + 2 * FP32 + 1
    prediction = narrow * (model.generator.hidden + 3 * model.embedding) + FP32 * _logits(recipe) + 2 * FP32
    # In bf16 it is a copy of the padded table that is cast, in place of the table.
    padded = FP32 * model.embedding * _logits(recipe) if _logits(recipe) > recipe.vocabulary.size else 0
    copies = narrow * parameters if narrow < FP32 else padded
    return tokens * (towers + heads) + slots * prediction + copies


def _logits(recipe: Recipe) -> int:
    """V and its padding."""
    return recipe.vocabulary.size + -recipe.vocabulary.size % BLOCK


def _tower(recipe: Recipe, tower: TowerTable, narrow: int) -> int:
    """For each token: its id, what its embeddings leave, and the layers."""
    model = recipe.model
    embedded = 8 + FP32 * model.embedding + 2 * FP32 + (model.dropout > 0) * model.embedding
    projected = 0 if tower.hidden == model.embedding else narrow * model.embedding
    return embedded + projected + tower.layers * _layer(recipe, tower, narrow)


def _layer(recipe: Recipe, tower: TowerTable, narrow: int) -> int:
    """For each token.

    D each: what query, key and value are made of, they three, what attention gives, and what the feed-forward part is
    made of; twice its inner width, before and behind the gelu. Wide: what the two LayerNorms see, their means and
    deviations, and the attention's logarithms of sums, one for each head. The mask of the examples, once for all heads,
    in the type of the products. A bit of dropout is a byte.
    """
    products = narrow * (6 * tower.hidden + 2 * tower.intermediate + recipe.data.row_length)
    wide = FP32 * (2 * tower.hidden + 4 + tower.heads)
    return products + wide + (recipe.model.dropout > 0) * 2 * tower.hidden


def _working(recipe: Recipe, rows: int, narrow: int) -> int:
    """Who may see whom; the gradients of the generator's distributions, and of one layer of the discriminator."""
    length, tower = recipe.data.row_length, recipe.model.discriminator
    distributions = FP32 * _logits(recipe) * recipe.masking.slots(length)
    layer = narrow * tower.intermediate + FP32 * tower.hidden
    return rows * (length * length + distributions + length * layer)
