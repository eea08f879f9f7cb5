"""The memory of a GPU: worked by hand, and beside what torch really holds on this CPU."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from configs.load import load
from configs.recipe import Recipe
from pretrain.model import attention
from pretrain.model.batch import Batch, borders_of
from pretrain.model.pair import ElectraPair
from pretrain.step.engine import Engine
from pretrain.step.memory import activations, memory, num_frozen, num_parameters
from pretrain.step.world import World
from tests.published import PUBLISHED

# Without dropout, since a CPU keeps its bits as numbers; a tower with a projection and one without; several heads.
SHAPES = {
    "deep": (
        *("vocabulary.size=1000", "model.embedding=64", "data.row_length=256"),
        "model.generator={layers=2, hidden=64, heads=1, intermediate=256}",
        "model.discriminator={layers=4, hidden=128, heads=4, intermediate=512}",
    ),
    "own embeddings": (
        *("model.shared_embeddings=none", "model.generator_embedding=48", "vocabulary.size=1000"),
        "model.generator={layers=2, hidden=48, heads=1, intermediate=96}",
    ),
    "frozen": (
        *("model.shared_embeddings=none", "model.generator_embedding=48", "vocabulary.size=1000"),
        "initial={generator='keep', generator_width=1.0, generator_steps=0, layer_decay=1.0, generator_frozen=true}",
    ),
    "all vocabulary": ("model.generator={layers=1, hidden=32, heads=1, intermediate=64}",),
}

TWICE_FOUR_ROWS = ("batch.rows=8", "batch.micro_rows=4")
MUON = ("optimizer.matrices=muon", "optimizer.momentum=0.95")
PRECISION = {4: ("compute.precision=fp32",), 2: ("compute.precision=bf16",)}


def rows_of(recipe: Recipe, rows: int) -> Batch:
    """Full rows of one example each, all slots filled."""
    length, vocabulary = recipe.data.row_length, recipe.vocabulary.size
    slots = torch.arange(recipe.masking.slots(length)).repeat(rows, 1)
    ids = torch.arange(length).repeat(rows, 1)
    return Batch(
        tokens=ids % vocabulary,
        segments=torch.zeros_like(ids),
        positions=ids,
        examples=torch.ones_like(ids),
        borders=torch.from_numpy(borders_of(np.ones(ids.shape, np.int64))),
        slots=slots,
        filled=torch.ones_like(slots, dtype=torch.bool),
        shown=slots % vocabulary,
        uniforms=torch.rand(*slots.shape, 2, dtype=torch.float64),
        candidate_uniforms=torch.rand(*slots.shape, 0, 2, dtype=torch.float64),
    )


def storages(tensors: Iterable[Tensor]) -> dict[int, int]:
    """Memory that is distinct: its address, and its bytes."""
    return {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}


@pytest.fixture
def attention_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate is of a GPU, which has torch's kernel of attention. A CPU in bf16 has a kernel of our own."""
    monkeypatch.setattr(attention, "draws_on", lambda tensor: False)


@pytest.mark.usefixtures("attention_of_torch")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("narrow", [4, 2])
def test_activations_are_what_autograd_saves(shape: str, narrow: int) -> None:
    recipe = load("tiny", SHAPES[shape])
    pair, batch, saved = ElectraPair(recipe), rows_of(recipe, 4), list[Tensor]()
    with (
        saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=narrow == 2),
    ):
        output = pair(batch, pair.counts([batch]))
    inputs = storages([*pair.parameters(), *vars(batch).values()])
    measured = sum(size for address, size in storages(saved).items() if address not in inputs)
    assert output.loss.isfinite()
    assert activations(recipe, num_parameters(recipe), 4, narrow) == pytest.approx(
        measured, rel=0.001 if narrow == 4 else 0.02
    )


def test_a_frozen_generator_needs_its_weights_alone() -> None:
    """By hand: gradients and moments are those of the discriminator."""
    trained, frozen = load("tiny", SHAPES["frozen"][:3]), load("tiny", SHAPES["frozen"])
    parameters = num_parameters(frozen)
    with torch.device("meta"):
        generator = sum(tensor.numel() for tensor in head_and_generator(ElectraPair(frozen)))
    assert num_frozen(frozen) == generator and num_frozen(trained) == 0
    before, after = (memory(recipe, parameters, 1, 4) for recipe in (trained, frozen))
    assert after.weights == before.weights == 4 * parameters
    assert before.gradients - after.gradients == 4 * generator
    assert before.moments - after.moments == 8 * generator
    assert after.activations < before.activations


@pytest.mark.parametrize("stage", [0, 2])
def test_an_average_is_as_large_as_the_weights(stage: int) -> None:
    """Every process holds it whole, and of a frozen generator too."""
    layout = (*SHAPES["frozen"], f"compute.zero_stage={stage}", *TWICE_FOUR_ROWS)
    without, averaged = load("tiny", layout), load("tiny", [*layout, "optimizer.average_decay=0.999"])
    parameters = num_parameters(without)
    before, after = (memory(recipe, parameters, 2, 4) for recipe in (without, averaged))
    assert after == replace(before, weights=2 * 4 * parameters)


def head_and_generator(pair: ElectraPair) -> Iterator[Tensor]:
    for name, parameter in pair.named_parameters():
        if name.startswith(("embeddings.", "generator.", "objectives.mlm.")):
            yield parameter


@pytest.mark.usefixtures("attention_of_torch")
@pytest.mark.parametrize(
    ("stage", "narrow"),
    [(0, 4), pytest.param(0, 2, marks=pytest.mark.slow), (1, 4), pytest.param(2, 4, marks=pytest.mark.slow)],
)
def test_the_total_is_the_peak_of_a_step(world: World, stage: int, narrow: int) -> None:
    """Two micro-batches forward and backward, and the update, by the engine, with every tensor followed."""
    recipe = load("tiny", [*SHAPES["deep"], *TWICE_FOUR_ROWS, f"compute.zero_stage={stage}", *PRECISION[narrow]])
    others = held()
    engine, batches = Engine(ElectraPair(recipe), recipe, world), [rows_of(recipe, 4), rows_of(recipe, 4)]
    engine.step(batches, 1e-4, measure=False)
    other_ids = {id(tensor) for tensor in others}
    with Followed(tensor for tensor in held() if id(tensor) not in other_ids) as followed:
        engine.step(batches, 1e-4, measure=False)
    assert memory(recipe, num_parameters(recipe), 1, narrow).total == pytest.approx(followed.peak, rel=0.05)


@pytest.mark.parametrize("stage", [0, 1])
def test_muon_holds_one_moment_and_its_update_is_counted(world: World, stage: int) -> None:
    """Followed in the update alone. The layers are wide, so that no other part of a step needs as much memory."""
    wide = ("model.discriminator={layers=4, hidden=256, heads=4, intermediate=512}", "data.row_length=32")
    layout = (*MUON, f"compute.zero_stage={stage}", "batch.rows=1", "batch.micro_rows=1", *PRECISION[4])
    recipe = load("tiny", [*wide, *layout])
    others = held()
    engine, batches = Engine(ElectraPair(recipe), recipe, world), [rows_of(recipe, 1)]
    engine.step(batches, 1e-4, measure=False)
    other_ids = {id(tensor) for tensor in others}
    with Followed(tensor for tensor in held() if id(tensor) not in other_ids) as followed:
        engine.step(batches, 1e-4, measure=False)
    counted = memory(recipe, num_parameters(recipe), 1, 4)
    assert counted.update > counted.activations + counted.working
    assert counted.total == pytest.approx(followed.peak, rel=0.05)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_parameters_are_counted(name: str) -> None:
    assert num_parameters(load(name)) == PUBLISHED[name].joint


def test_base_by_hand() -> None:
    """Two GPUs, bf16, 16 rows of 512 tokens on each; ZeRO 1, then 0. N = 119,386,427."""
    recipe, parameters = load("base", ["batch.micro_rows=16"]), PUBLISHED["base"].joint
    one = memory(recipe, parameters, 2, 2)
    zero = memory(load("base", ["batch.micro_rows=16", "compute.zero_stage=0"]), parameters, 2, 2)
    assert (zero.weights, zero.gradients, zero.moments) == (477_545_708, 477_545_708, 955_091_416)
    # 4 N / 2 of gradients beside 4 N of buffer; moments and a copy of the weights, 12 N / 2
    assert (one.weights, one.gradients, one.moments) == (477_545_708, 716_318_562, 716_318_562)
    # A token of a layer: 2 (6 D + 2 I + L), 4 (2 D + 4 + heads), and 2 D bytes of dropout.
    layers = 12 * (22_528 + 6_208 + 1_536) + 12 * (8_192 + 2_080 + 512)
    embeddings = 2 * (8 + 3_072 + 8 + 768) + 1_536  # and what the generator projects
    heads = 1_024 + 4_608 + 8 + 1
    slots = 2 * (256 + 3 * 768) + 4 * 30_528 + 8  # the vocabulary, padded to whole blocks of 64
    assert one.activations == 16 * (512 * (layers + embeddings + heads) + 79 * slots) + 2 * parameters
    assert one.activations == zero.activations == 4_557_543_926


class Followed(TorchDispatchMode):
    """The bytes of the storages that are alive, those of `tensors` first, and the most there ever were."""

    def __init__(self, tensors: Iterable[Tensor]):
        super().__init__()
        self.live = self.peak = 0
        self._known = WeakIdKeyDictionary()
        for tensor in tensors:
            self._follow(tensor)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._follow(leaf)
        return result

    def _follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage not in self._known:
            self._known[storage] = True
            self.live += storage.nbytes()
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._drop, storage.nbytes())

    def _drop(self, size: int) -> None:
        self.live -= size


def held() -> list[Tensor]:
    """Every tensor that Python knows; the small ones are counters and rates."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, Tensor) and thing.numel() > 100]


def test_a_growing_batch_needs_the_memory_of_its_largest_micro_batch(small_recipe: Recipe) -> None:
    """A step of 40 rows has micro-batches of 20 rows, and the step of 32 rows before it computes all at once."""
    ramp = {"rows": 40, "rows_start": 4, "ramp_steps": 10, "micro_rows": 32}
    growing, constant = (
        small_recipe.model_copy(update={"batch": small_recipe.batch.model_copy(update=values)})
        for values in (ramp, {"rows": 32, "micro_rows": 32})
    )
    assert memory(growing, 1000, 1, 4) == memory(constant, 1000, 1, 4)
