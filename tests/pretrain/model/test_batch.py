"""Batches: slots where the masks are, the 85/15 and 80/10/10 rules by their law, and rows that ignore each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from configs.corruption_table import CorruptionTable
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch, borders_of, make_batch
from pretrain.step.loader import Loader, batch_of
from pretrain.step.world import World


def batch(corpus: Corpus, recipe: Recipe, numbers: np.ndarray) -> Batch:
    return batch_of(corpus, recipe, "train", numbers, np.zeros_like(numbers), numbers)


def of_rows(made: Batch) -> dict[str, torch.Tensor]:
    """All but the borders, which are those of the whole batch."""
    return {name: value for name, value in vars(made).items() if name != "borders"}


def test_the_planes_become_tensors(corpus: Corpus, small_recipe: Recipe) -> None:
    numbers = np.arange(6)
    made = batch(corpus, small_recipe, numbers)
    rows, masks = corpus.read_masked("train", numbers, np.zeros_like(numbers))
    for row in range(6):
        slots = made.slots[row][made.filled[row]]
        assert slots.tolist() == np.flatnonzero(masks[row]).tolist()
        assert made.real[row].sum() == rows["length"][row]
        assert made.positions[row, 0] == 0
        starts = torch.cat([torch.tensor([0]), (made.examples[row].diff() != 0).nonzero().flatten() + 1])
        assert (made.positions[row, starts[:1]] == 0).all()
    assert torch.equal(made.tokens, torch.from_numpy(rows["tokens"].astype(np.int64)))
    assert torch.equal(made.targets[made.filled], made.tokens.gather(1, made.slots)[made.filled])
    unmasked = torch.ones_like(made.real).scatter(1, made.slots, ~made.filled)
    assert torch.equal(made.masked_tokens[unmasked], made.tokens[unmasked])


def test_positions_restart_at_every_example(corpus: Corpus, small_recipe: Recipe) -> None:
    made = batch(corpus, small_recipe, np.arange(corpus.num_rows("train")))
    for examples, positions in zip(made.examples, made.positions, strict=True):
        for number in range(1, int(examples.max()) + 1):
            inside = positions[examples == number]
            assert torch.equal(inside, torch.arange(len(inside)))


def test_borders_are_where_examples_and_paddings_begin() -> None:
    examples = np.array([[1, 1, 2, 0], [1, 1, 1, 1], [1, 2, 2, 3]])
    assert borders_of(examples).tolist() == [0, 2, 3, 4, 8, 9, 11, 12, 12]
    assert borders_of(examples[1:2]).tolist() == [0, 4]


@pytest.mark.parametrize("shares", [(0.85, 0.0, 0.15), (0.8, 0.1, 0.1), (1.0, 0.0, 0.0)])
def test_what_slots_show_follows_the_rule(corpus: Corpus, shares: tuple[float, float, float]) -> None:
    mask, random, keep = shares
    row, masks_of_row = corpus.read_masked("train", np.arange(1), np.zeros(1, int))
    rows, masks = np.repeat(row, 4000), np.repeat(masks_of_row, 4000, axis=0)
    made = make_batch(
        rows,
        masks,
        np.arange(4000),
        num_slots=int(masks[0].sum()),
        corruption=CorruptionTable(mask=mask, random=random, keep=keep, temperature=1.0, candidates=0),
        special=corpus.special,
        vocabulary_size=1200,
        seed=1,
        purpose="law",
    )
    shown, original = made.shown.flatten(), made.targets.flatten()
    is_mask = (shown == corpus.special.mask).double().mean()
    is_kept = (shown == original).double().mean()
    # 36,000 slots: five standard deviations of a share are below 0.012
    assert float(is_mask) == pytest.approx(mask + random / 1200, abs=0.012)
    assert float(is_kept) == pytest.approx(keep + random / 1200, abs=0.012)


def test_a_row_does_not_depend_on_the_others(corpus: Corpus, small_recipe: Recipe) -> None:
    together = batch(corpus, small_recipe, np.arange(8))
    alone = batch(corpus, small_recipe, np.array([5]))
    for name, value in of_rows(alone).items():
        assert torch.equal(value[0], getattr(together, name)[5]), name


@pytest.mark.parametrize("world_size", [2, 4, 8])
def test_the_rows_of_a_step_are_the_same_for_any_number_of_processes(
    corpus: Corpus, small_recipe: Recipe, world_size: int
) -> None:
    def rows(rank: int, size: int) -> list[Batch]:
        with Loader(corpus, small_recipe, World(rank, size, torch.device("cpu"), None)) as loader:
            return loader.step(5)

    (whole,) = rows(0, 1)
    parts = [part for rank in range(world_size) for part in rows(rank, world_size)]
    for name, value in of_rows(whole).items():
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), value), name


def test_a_group_lies_within_what_the_processes_compute_at_once(corpus: Corpus, small_recipe: Recipe) -> None:
    chosen = small_recipe.model_copy(
        update={"batch": small_recipe.batch.model_copy(update={"micro_rows": 2, "group_rows": 4})}
    )
    at_once: list[list[Batch]] = []
    for rank in range(2):
        with Loader(corpus, chosen, World(rank, 2, torch.device("cpu"), None)) as loader:
            at_once.append(loader.step(3))
    with Loader(corpus, small_recipe, World(0, 1, torch.device("cpu"), None)) as loader:
        (whole,) = loader.step(3)
    for number, parts in enumerate(zip(*at_once, strict=True)):
        assert torch.equal(torch.cat([part.tokens for part in parts]), whole.tokens[4 * number : 4 * number + 4])
