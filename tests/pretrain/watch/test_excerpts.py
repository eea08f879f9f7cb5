"""Excerpts show the rows that the networks saw, at the right places."""

from __future__ import annotations

import numpy as np
import torch

from configs.recipe import Recipe
from configs.vocabulary.entries import read_folder
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.model.objectives import Forward
from pretrain.model.pair import ElectraPair
from pretrain.run.samples import SampleRow, Slot
from pretrain.step.loader import held_out_batch
from pretrain.step.world import World
from pretrain.watch.excerpts import Excerpts

VOCABULARY = ["[PAD]", "[MASK]", "a", "b", "c", "d"]


def forward_of(tokens: list[list[int]], slots: list[list[int]], sampled: list[list[int]]) -> Forward:
    """Return a pass through rows of five tokens with two slots, of which one at position 0 is not filled."""
    ids, places = torch.tensor(tokens), torch.tensor(slots)
    empty = torch.empty(0)
    batch = Batch(
        tokens=ids,
        segments=empty,
        positions=empty,
        examples=(ids > 0).long(),
        borders=empty,
        slots=places,
        filled=places > 0,
        shown=torch.where(places > 0, 1, ids.gather(1, places)),
        uniforms=empty,
        candidate_uniforms=empty,
    )
    return Forward(batch, empty, empty, torch.tensor(sampled), empty, empty, empty, empty)


def excerpts(numbers: list[int], *, detects: bool = True) -> Excerpts:
    return Excerpts(np.array(numbers), 5, World(0, 1, torch.device("cpu"), None), detects=detects)


def test_a_row_is_written_as_the_networks_saw_it() -> None:
    forward = forward_of([[2, 3, 4, 5, 0], [5, 4, 3, 2, 2]], [[1, 3], [4, 0]], [[4, 5], [2, 3]])
    logits = torch.tensor([[0, 4.0, -4, torch.nan, 9], [0, 0, 0, 0, 1]])
    shown = excerpts([7, 3])
    shown.add(np.array([3, 7]), forward, logits)
    assert shown.rows(VOCABULARY) == (
        SampleRow(
            row=7,
            tokens=("d", "c", "b", "a", "a"),
            slots=(Slot(position=4, shown="[MASK]", put="a"),),
            suspicion=(0.5, 0.5, 0.5, 0.5, 0.7311),
        ),
        SampleRow(
            row=3,
            tokens=("a", "b", "c", "d"),
            slots=(Slot(position=1, shown="[MASK]", put="c"), Slot(position=3, shown="[MASK]", put="d")),
            suspicion=(0.5, 0.982, 0.018, None),
        ),
    )


def test_a_pair_that_does_not_detect_has_no_suspicion() -> None:
    shown = excerpts([0], detects=False)
    shown.add(
        np.array([0, 9]), forward_of([[2, 3, 4, 5, 0], [2, 3, 4, 5, 0]], [[1, 3], [1, 3]], [[4, 5], [4, 5]]), None
    )
    assert shown.rows(VOCABULARY)[0].suspicion is None


def test_the_masked_row_and_the_corrupted_row_are_those_of_the_batch(corpus: Corpus, small_recipe: Recipe) -> None:
    torch.manual_seed(1)
    pair = ElectraPair(small_recipe).eval()
    numbers = np.arange(3)
    batch = held_out_batch(corpus, small_recipe, numbers)
    output = pair(batch, pair.counts([batch]))
    words = np.array(read_folder(corpus.folder))
    shown = Excerpts(numbers, 64, World(0, 1, torch.device("cpu"), None), detects=False)
    shown.add(numbers, output.forward, None)
    for number, row in enumerate(shown.rows(words.tolist())):
        length = int(batch.real[number].sum())
        assert list(row.tokens) == words[batch.tokens[number][:length]].tolist()
        masked, corrupted = list(row.tokens), list(row.tokens)
        for slot in row.slots:
            masked[slot.position], corrupted[slot.position] = slot.shown, slot.put
        assert masked == words[batch.masked_tokens[number][:length]].tolist()
        changed = [left != right for left, right in zip(corrupted, row.tokens, strict=True)]
        assert changed == output.forward.replaced[number][:length].tolist()
