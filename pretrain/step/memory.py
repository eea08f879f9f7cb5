"""The GPU memory that training needs: the state of every parameter, and the tensors for the backward pass.

All figures are in bytes. They are counted from the code of the model and the step, tensor by tensor, and a test
compares them with the tensors that autograd and the optimizer really hold (`tests/pretrain/step/test_memory.py`). The
context of CUDA, NCCL and fragmentation need further memory.

Letters: N parameters, W processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from configs.recipe import Recipe
from configs.share import micro_rows_by_batch
from pretrain.model.arithmetic import (
    FP32,
    Operation,
    discriminator_operations,
    generator_operations,
    num_logits,
    slot_operations,
)
from pretrain.model.pair import ElectraPair
from pretrain.step import muon_costs
from pretrain.step.deepspeed_config import reduce_bucket


@dataclass(frozen=True)
class Memory:
    """The largest memory that one process needs."""

    weights: int  # including their average, if the recipe asks for one
    gradients: int  # including the buffer in which ZeRO collects them
    # the two of Adam, or the one of Muon; under ZeRO the share of the process, with its share of a copy of the weights
    moments: int
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


def num_frozen(recipe: Recipe) -> int:
    """The number of parameters that are not trained, which are those of a frozen generator."""
    if not recipe.generator_is_frozen:
        return 0
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in ElectraPair(recipe).parameters() if not parameter.requires_grad)


def memory(recipe: Recipe, parameters: int, world_size: int, narrow: int) -> Memory:
    """The memory of one of `world_size` processes that train a model with `parameters` parameters.

    `narrow` is the number of bytes of a factor in a matrix product: 2 in bf16, 4 in fp32. Raises UserError when the
    number of processes does not divide the batch.
    """
    rows = max(micro_rows_by_batch(recipe, world_size).values()) * recipe.batch.views
    return Memory(
        **_state(recipe, parameters, world_size, narrow),
        activations=activations(recipe, parameters, rows, narrow),
        working=_working(recipe, rows, narrow),
    )


def _state(recipe: Recipe, parameters: int, world_size: int, narrow: int) -> dict[str, int]:
    """Weights take 4 N bytes, gradients 4 N, and moments 8 N. The update is made in place (optim.py).

    Muon has one moment of its matrices, and needs temporary tensors for the update. Under ZeRO the processes exchange
    its directions, in the precision of matrix products.

    Of a frozen generator there are weights alone. An average of the weights, if the recipe asks for one, takes
    4 N bytes in every process, a frozen generator included.

    Under ZeRO 1 and 2 (runtime/zero/stage_1_and_2.py, 0.19.8), a process holds its share, 1/W, of the moments and of a
    second copy of the weights, which it updates. The gradients pass through a buffer. The process keeps its share of
    the gradients, and keeps it twice during the update.
    """
    num_trained = parameters - num_frozen(recipe)
    weights, trained, share = FP32 * parameters, FP32 * num_trained, FP32 * num_trained // world_size
    held = 2 * weights if recipe.optimizer.average_decay else weights
    by_muon = FP32 * muon_costs.num_weights(recipe)
    if not recipe.compute.zero_stage:
        update = muon_costs.update_bytes(recipe, narrow)
        return {"weights": held, "gradients": trained, "moments": 2 * trained - by_muon, "update": update}
    buffer = FP32 * reduce_bucket(recipe, num_trained)
    exchanged = narrow if world_size > 1 or narrow < FP32 else 0
    update = share + muon_costs.update_bytes(recipe, narrow, exchanged)
    moments = 3 * share - by_muon // world_size
    return {"weights": held, "gradients": buffer + share, "moments": moments, "update": update}


def activations(recipe: Recipe, parameters: int, rows: int, narrow: int) -> int:
    """The tensors that autograd saves in a forward pass of `rows` rows, and in bf16 the copies of weights in bf16.

    Of a frozen generator it saves nothing.
    """
    model = recipe.model
    tokens, slots = rows * recipe.data.row_length, rows * recipe.masking.slots(recipe.data.row_length)
    cast = parameters - num_frozen(recipe)
    if model.shared_embeddings == "none":
        # The discriminator only looks its own tables up, so they are not cast.
        cast -= (recipe.vocabulary.size + model.max_positions) * model.embedding
    saved = tokens * _saved(recipe, discriminator_operations(recipe), narrow)
    if recipe.generator_is_frozen:
        return saved + (narrow < FP32) * narrow * cast
    saved += tokens * _saved(recipe, generator_operations(recipe), narrow)
    saved += slots * _saved(recipe, slot_operations(recipe), narrow)
    # In fp32 autograd saves the padded copy of the word table, if padding is needed. In bf16 it saves a cast copy of
    # every weight, and the word table is cast after padding.
    logits = num_logits(recipe)
    padded = FP32 * model.embedding_of_generator * logits if logits > recipe.vocabulary.size else 0
    return saved + (narrow * cast if narrow < FP32 else padded)


def _saved(recipe: Recipe, operations: Iterable[Operation], narrow: int) -> int:
    return sum(operation.saved(narrow, dropout=recipe.model.dropout > 0) for operation in operations)


def _working(recipe: Recipe, rows: int, narrow: int) -> int:
    """The bytes of temporary tensors.

    They are the attention mask of all rows, the gradients of the generator's distributions, and the gradients of a
    single layer of the discriminator.
    """
    length, tower = recipe.data.row_length, recipe.model.discriminator
    distributions = FP32 * num_logits(recipe) * recipe.masking.slots(length)
    layer = narrow * tower.intermediate + FP32 * tower.hidden
    return rows * (length * length + distributions + length * layer)
