"""The same step has the same rows on any number of processes, and the order of rows may begin at any position."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from configs.common.files import read_json
from configs.load import load
from configs.recipe import Recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.step.loader import Loader, batch_of, held_out_batch, held_out_numbers
from pretrain.step.order import rows_at
from pretrain.step.world import World
from tests.conftest import SMALL


def _with_batch(recipe: Recipe, **values: int) -> Recipe:
    return recipe.model_copy(update={"batch": recipe.batch.model_copy(update=values)})


def _read(corpus: Corpus, recipe: Recipe, step: int, rank: int = 0, size: int = 1, first_row: int = 0) -> list[Batch]:
    with Loader(corpus, recipe, World(rank, size, torch.device("cpu"), None), first_row) as loader:
        return loader.step(step)


def _rows(batches: list[Batch]) -> torch.Tensor:
    return torch.cat([batch.masked_tokens for batch in batches])


def test_a_step_holds_the_next_rows_of_the_order(corpus: Corpus, small_recipe: Recipe) -> None:
    positions = np.arange(16, 24)
    numbers, epochs = rows_at(positions, corpus.num_rows("train"), small_recipe.seed)
    [batch] = _read(corpus, small_recipe, step=2)
    assert torch.equal(batch.tokens, torch.from_numpy(corpus.read("train", numbers)["tokens"].astype(np.int64)))
    expected = batch_of(corpus, small_recipe, "train", numbers, epochs, positions)
    assert torch.equal(batch.masked_tokens, expected.masked_tokens)
    assert torch.equal(batch.uniforms, expected.uniforms)


def test_in_the_order_of_sources_the_rows_of_the_first_source_come_first(tmp_path: Path) -> None:
    """Each source fills more than two blocks of 1,024 rows, and its documents have a word that the other lacks."""
    for name in ("one", "two"):
        documents = [f"{name} {number} {'more ' * 40}" for number in range(4000)]
        (tmp_path / f"{name}.txt").write_text("\n\n".join(documents), encoding="utf-8")
    sources = f"data.sources=[{{path='{tmp_path}/two.txt'}}, {{path='{tmp_path}/one.txt'}}]"
    keys = ("vocabulary.size=60", "masking.maskings=1", "batch.order=sources", "batch.rows=512", "batch.micro_rows=512")
    recipe = load("tiny", [*SMALL, sources, *keys])
    prepare(recipe, tmp_path / "corpus", 1)
    corpus = Corpus(tmp_path / "corpus")
    ids = read_json(tmp_path / "corpus" / "tokenizer.json")["model"]["vocab"]
    last = corpus.num_rows("train") // 512 - 1
    for step, present, absent in ((0, "two", "one"), (last, "one", "two")):
        [batch] = _read(corpus, recipe, step)
        assert (batch.tokens == ids[present]).any() and not (batch.tokens == ids[absent]).any()


@pytest.mark.parametrize(("size", "micro_rows"), [(1, 2), (2, 2), (4, 1), (8, 1)])
def test_processes_share_the_rows_of_a_step(corpus: Corpus, small_recipe: Recipe, size: int, micro_rows: int) -> None:
    recipe = _with_batch(small_recipe, micro_rows=micro_rows)
    by_process = [_read(corpus, recipe, 1, rank, size) for rank in range(size)]
    assert {len(batches) for batches in by_process} == {8 // size // micro_rows}
    # The micro-batches that are computed at the same time are neighbours in the order of rows.
    in_order = [batch for together in zip(*by_process, strict=True) for batch in together]
    assert torch.equal(_rows(in_order), _rows(_read(corpus, small_recipe, 1)))


@pytest.mark.parametrize(("size", "micro_rows"), [(1, 8), (1, 3), (2, 1)])
def test_a_growing_batch_reads_the_same_rows_in_the_same_order(
    corpus: Corpus, small_recipe: Recipe, size: int, micro_rows: int
) -> None:
    growing = _with_batch(small_recipe, rows_start=2, ramp_steps=3, micro_rows=micro_rows)
    rows = []
    for step, num_rows in enumerate((2, 4, 6, 8, 8)):
        by_process = [_read(corpus, growing, step, rank, size, first_row=4) for rank in range(size)]
        in_order = [batch for together in zip(*by_process, strict=True) for batch in together]
        rows.append(_rows(in_order))
        assert len(rows[-1]) == num_rows
    constant = [_rows(_read(corpus, small_recipe, step, first_row=4)) for step in range(4)]
    assert torch.equal(torch.cat(rows), torch.cat(constant)[:28])


@pytest.mark.parametrize(("size", "micro_rows"), [(1, 8), (1, 2), (4, 1)])
def test_the_slots_of_a_step_follow_its_masking_rate(
    corpus: Corpus, small_recipe: Recipe, size: int, micro_rows: int
) -> None:
    """Rows and their order stay, and the masked positions of a step are those of its rate on any layout."""
    falls = {"masking_rate_end": 0.05, "masking_rate_steps": 4}
    recipe = _with_batch(small_recipe, micro_rows=micro_rows)
    falling = recipe.model_copy(update={"corruption": recipe.corruption.model_copy(update=falls)})
    # The rates are .15, .125, .1, .075 and .05, and a row has int((rate + .005) * 64) slots.
    for step, num_slots in ((0, 9), (1, 8), (2, 6), (3, 5), (4, 3), (9, 3)):
        by_process = [_read(corpus, falling, step, rank, size) for rank in range(size)]
        batches = [batch for together in zip(*by_process, strict=True) for batch in together]
        [constant] = _read(corpus, small_recipe, step)
        assert {batch.slots.shape[1] for batch in batches} == {num_slots}
        assert torch.equal(torch.cat([batch.tokens for batch in batches]), constant.tokens)
        rows, filled = torch.cat([batch.slots for batch in batches]), torch.cat([batch.filled for batch in batches])
        for slots, all_slots in zip(rows.where(filled, 0).tolist(), constant.slots.tolist(), strict=True):
            assert set(slots) - {0} <= set(all_slots)
        assert filled.any(1).all() and (step == 0) == torch.equal(_rows(batches), constant.masked_tokens)


def test_updates_of_earlier_runs_count_for_the_masking_rate(corpus: Corpus, small_recipe: Recipe) -> None:
    falls = {"masking_rate_end": 0.05, "masking_rate_steps": 4}
    falling = small_recipe.model_copy(update={"corruption": small_recipe.corruption.model_copy(update=falls)})
    with Loader(corpus, falling, World(0, 1, torch.device("cpu"), None), 16, earlier_updates=2) as loader:
        [batch] = loader.step(0)
    assert torch.equal(batch.masked_tokens, _rows(_read(corpus, falling, 2)))


def test_a_run_may_begin_later_in_the_order(corpus: Corpus, small_recipe: Recipe) -> None:
    begun_later = _read(corpus, small_recipe, 0, first_row=24)
    assert torch.equal(_rows(begun_later), _rows(_read(corpus, small_recipe, 3)))


def test_steps_may_be_asked_for_in_any_order(corpus: Corpus, small_recipe: Recipe) -> None:
    with Loader(corpus, small_recipe, World(0, 1, torch.device("cpu"), None)) as loader:
        first, second, again = loader.step(0), loader.step(1), loader.step(0)
    assert torch.equal(_rows(first), _rows(again)) and not torch.equal(_rows(first), _rows(second))


def test_two_views_are_two_maskings_of_the_same_rows(corpus: Corpus, small_recipe: Recipe) -> None:
    [batch] = _read(corpus, _with_batch(small_recipe, views=2), 0)
    first, second = batch.tokens.chunk(2)
    assert len(batch.tokens) == 16 and torch.equal(first, second)
    assert not torch.equal(*batch.slots.chunk(2)) and not torch.equal(*batch.uniforms.chunk(2))


def test_held_out_rows_are_always_the_same(corpus: Corpus, small_recipe: Recipe) -> None:
    count = corpus.num_rows("validation")
    numbers = held_out_numbers(corpus, count, small_recipe.seed)
    assert sorted(numbers.tolist()) == list(range(count)) and count > 1
    whole, single = held_out_batch(corpus, small_recipe, numbers), held_out_batch(corpus, small_recipe, numbers[1:2])
    assert torch.equal(whole.masked_tokens[1:2], single.masked_tokens)
    assert len(held_out_batch(corpus, small_recipe, held_out_numbers(corpus, 1, small_recipe.seed)).tokens) == 1
