"""What the towers share: by parameters, by the flow of gradients, and in what is exported."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.released.names import to_huggingface
from pretrain.step.engine import Engine
from pretrain.step.loader import batch_of
from pretrain.step.world import World
from tests.conftest import SMALL

TABLES = ("word", "position", "token_type")


def recipe(sharing: str, *overrides: str) -> Recipe:
    return load("tiny", [*SMALL, f"model.shared_embeddings={sharing}", *overrides])


def backward(pair: ElectraPair, corpus: Corpus, chosen: Recipe) -> dict[str, bool]:
    """Which embedding parameters get a gradient that is not zero."""
    numbers = np.arange(8)
    micro_batch = batch_of(corpus, chosen, "train", numbers, np.zeros_like(numbers), numbers)
    pair.zero_grad()
    pair(micro_batch, pair.counts([micro_batch])).loss.backward()
    return {
        name: parameter.grad is not None and bool(parameter.grad.any())
        for name, parameter in pair.named_parameters()
        if "embeddings." in name
    }


def test_all_is_one_set(corpus: Corpus) -> None:
    chosen = recipe("all", "objectives.mlm.weight=0.0")
    assert all(backward(ElectraPair(chosen), corpus, chosen).values())


def test_words_share_the_word_table_alone(corpus: Corpus) -> None:
    chosen = recipe("words", "objectives.mlm.weight=0.0")
    moved = backward(ElectraPair(chosen), corpus, chosen)
    assert {name for name, moves in moved.items() if moves} == {
        "embeddings.word.weight",
        *(f"discriminator_embeddings.{name}.weight" for name in ("position", "token_type", "norm")),
        "discriminator_embeddings.norm.bias",
    }


@pytest.mark.parametrize("learns", ["mlm", "rtd"])
def test_disentangled_keeps_each_towers_gradient_to_itself(corpus: Corpus, learns: str) -> None:
    chosen = recipe("disentangled", f"objectives.{'rtd' if learns == 'mlm' else 'mlm'}.weight=0.0")
    moved = backward(ElectraPair(chosen), corpus, chosen)
    owner = "embeddings." if learns == "mlm" else "discriminator_embeddings."
    for name, moves in moved.items():
        assert moves == name.startswith(owner), name


def test_disentangled_starts_as_the_generators_and_follows_it(corpus: Corpus, world: World) -> None:
    chosen = recipe("disentangled", "optimizer.learning_rate=0.01")
    pair = ElectraPair(chosen)
    for name in TABLES:
        assert torch.equal(pair.tables("discriminator")[f"{name}.weight"], pair.tables("generator")[f"{name}.weight"])
    engine = Engine(pair, chosen, world)
    numbers = np.arange(8)
    micro_batch = batch_of(corpus, chosen, "train", numbers, np.zeros_like(numbers), numbers)
    engine.step([micro_batch], 0.01, measure=False)
    state = pair.state_dict()
    for name in TABLES:
        difference = state[f"discriminator_embeddings.{name}"]
        assert difference.any()
        exported = to_huggingface(pair.tower("discriminator"), "discriminator")
        transformers_names = {
            "word": "word_embeddings",
            "position": "position_embeddings",
            "token_type": "token_type_embeddings",
        }
        table = exported[f"electra.embeddings.{transformers_names[name]}.weight"]
        assert torch.equal(table, state[f"embeddings.{name}.weight"] + difference)


@pytest.mark.parametrize("sharing", ["words", "disentangled"])
def test_a_tower_loads_what_it_gave(sharing: str) -> None:
    first, second = ElectraPair(recipe(sharing)), ElectraPair(recipe(sharing))
    for parameter in first.parameters():
        torch.nn.init.normal_(parameter)
    for part in ("generator", "discriminator"):
        second.load_tower(part, first.tower(part))
    for part in ("generator", "discriminator"):
        for name, value in first.tables(part).items():
            torch.testing.assert_close(second.tables(part)[name], value)
