"""Gradients where they belong, and losses that do not depend on how a batch is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.step.loader import batch_of
from tests.conftest import SMALL


def batch(corpus: Corpus, recipe: Recipe, first: int, count: int):
    numbers = np.arange(first, first + count)
    return batch_of(corpus, recipe, "train", numbers, np.zeros_like(numbers), numbers)


def pair_of(recipe: Recipe) -> ElectraPair:
    torch.manual_seed(3)
    return ElectraPair(recipe)


def test_a_sample_equal_to_the_original_counts_as_original(corpus: Corpus, small_recipe: Recipe) -> None:
    pair, micro_batch = pair_of(small_recipe).eval(), batch(corpus, small_recipe, 0, 4)
    forward = pair(micro_batch, pair.counts([micro_batch])).forward
    slot_replaced = forward.replaced.gather(1, micro_batch.slots)[micro_batch.filled]
    assert torch.equal(slot_replaced, (forward.sampled != micro_batch.targets)[micro_batch.filled])
    assert forward.replaced.sum() == slot_replaced.sum()


def test_the_discriminator_gives_the_generator_no_gradient_but_through_the_embeddings(
    corpus: Corpus, small_recipe: Recipe
) -> None:
    recipe = load("tiny", [*SMALL, "objectives.mlm.weight=0.0"])
    pair, micro_batch = pair_of(recipe), batch(corpus, small_recipe, 0, 4)
    pair(micro_batch, pair.counts([micro_batch])).loss.backward()
    for name, parameter in pair.named_parameters():
        moved = parameter.grad is not None and bool(parameter.grad.any())
        belongs_to_generator = name.startswith(("generator.", "objectives.mlm."))
        assert moved != belongs_to_generator, name


def test_micro_batches_add_up_to_the_batch(corpus: Corpus, small_recipe: Recipe) -> None:
    whole_pair, cut_pair = pair_of(small_recipe), pair_of(small_recipe)
    whole = batch(corpus, small_recipe, 0, 8)
    parts = [batch(corpus, small_recipe, 0, 3), batch(corpus, small_recipe, 3, 5)]
    counts = whole_pair.counts([whole])
    assert counts == cut_pair.counts(parts)
    whole_pair(whole, counts).loss.backward()
    for part in parts:
        cut_pair(part, counts).loss.backward()
    for (name, left), right in zip(whole_pair.named_parameters(), cut_pair.parameters(), strict=True):
        assert left.grad is not None
        assert right.grad is not None
        torch.testing.assert_close(left.grad, right.grad, atol=1e-6, rtol=1e-4, msg=name)


def test_unknown_and_missing_objectives_are_refused() -> None:
    with pytest.raises(UserError, match=r"objectives: unknown objective rdt; did you mean rtd"):
        ElectraPair(load("tiny", ["objectives.rdt.weight=1.0"]))
    with pytest.raises(UserError, match=r"unknown key objectives\.rtd\.weigth; did you mean objectives\.rtd\.weight"):
        ElectraPair(load("tiny", ["objectives.rtd.weigth=1.0"]))
    with pytest.raises(UserError, match=r"objectives\.mlm: missing"):
        ElectraPair(load("tiny", ["objectives={rtd={weight=50.0}}"]))


def test_padding_changes_nothing(corpus: Corpus, small_recipe: Recipe) -> None:
    """The content of padded positions reaches no loss."""
    pair = pair_of(small_recipe).eval()
    micro_batch = batch(corpus, small_recipe, corpus.num_rows("train") - 6, 6)
    assert not micro_batch.real.all()
    counts = pair.counts([micro_batch])
    noise = torch.where(micro_batch.real, micro_batch.tokens, 7)
    changed = type(micro_batch)(**{**vars(micro_batch), "tokens": noise})
    assert float(pair(changed, counts).loss) == pytest.approx(float(pair(micro_batch, counts).loss), rel=1e-6)
