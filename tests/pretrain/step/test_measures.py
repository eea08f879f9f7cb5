"""The measurements of a step, with numbers worked by hand, and sums that two processes add up."""

from __future__ import annotations

import pytest
import torch

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.step.loader import Loader
from pretrain.step.measures import measures_of, sums_of
from pretrain.step.world import World

# The losses of mlm and rtd, the weighted total, the slots: all, predicted right, sampled right.
SUMS = torch.tensor([60.0, 40.0, 3.5, 20.0, 5.0, 4.0], dtype=torch.float64)


def test_measures_by_hand() -> None:
    measures = measures_of(
        {"mlm": 20.0, "rtd": 160.0}, 160.0, SUMS, torch.tensor(1.5), {"heads/rtd": torch.tensor(0.5)}, 2
    )
    assert measures.losses == {"mlm": 3.0, "rtd": 0.25}
    assert measures.total == 3.5
    assert (measures.gradient_norm, measures.part_norms) == (1.5, {"heads/rtd": 0.5})
    assert (measures.masked_accuracy, measures.sampled_accuracy) == (5 / 20, 4 / 20)
    assert measures.replaced_share == (20 - 4) / 160
    assert measures.skipped_steps == 2


def test_the_share_of_replaced_tokens_needs_no_discriminator() -> None:
    measures = measures_of({"mlm": 20.0}, 160.0, torch.cat([SUMS[:1], SUMS[2:]]), torch.tensor(1.5), {}, 0)
    assert measures.replaced_share == (20 - 4) / 160


def test_without_predictions_nothing_is_divided_by_0() -> None:
    measures = measures_of({"mlm": 0.0}, 0.0, torch.zeros(5, dtype=torch.float64), torch.tensor(0.0), {}, 0)
    assert (measures.losses, measures.masked_accuracy, measures.replaced_share) == ({"mlm": 0.0}, 0.0, 0.0)


def test_the_sums_of_two_halves_are_those_of_the_whole(corpus: Corpus, small_recipe: Recipe) -> None:
    torch.manual_seed(0)
    pair = ElectraPair(small_recipe).eval()
    with Loader(corpus, small_recipe, World(0, 1, torch.device("cpu"), None)) as loader:
        (whole,) = loader.step(0)
    counts = pair.counts([whole])
    halves = []
    for rank in (0, 1):
        with Loader(corpus, small_recipe, World(rank, 2, torch.device("cpu"), None)) as loader:
            halves += [sums_of(pair(batch, counts)) for batch in loader.step(0)]
    assert torch.stack(halves).sum(0).tolist() == pytest.approx(sums_of(pair(whole, counts)).tolist(), rel=1e-5)
