"""`compute.compile` gives the same numbers, and compiles nothing again once training has begun."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch._dynamo.utils import counters

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_layouts import assert_same
from tests.integration.test_run import recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler on a CPU"),
]
EXACT = ("model.dropout=0", "model.attention_dropout=0", "run.evaluate_every=2")


def test_the_losses_are_those_without_it_and_nothing_is_compiled_twice(
    corpus: Corpus, world: World, tmp_path: Path
) -> None:
    train(recipe(*EXACT), corpus, tmp_path / "eager", world, "auto")
    torch._dynamo.reset()
    counters.clear()
    train(recipe(*EXACT, "compute.compile=true"), corpus, tmp_path / "compiled", world, "auto")
    # Each width is compiled once: the width of the generator and the width of the discriminator.
    assert counters["stats"]["unique_graphs"] == 2
    assert_same(tmp_path / "compiled", tmp_path / "eager")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
def test_cuda_graphs_give_the_losses_of_the_compiled_layers(corpus: Corpus, world: World, tmp_path: Path) -> None:
    train(recipe(*EXACT, "compute.compile=true"), corpus, tmp_path / "compiled", world, "auto")
    torch._dynamo.reset()
    counters.clear()
    train(recipe(*EXACT, "compute.compile=cuda_graphs"), corpus, tmp_path / "graphs", world, "auto")
    assert counters["inductor"]["cudagraph_skips"] == 0
    assert_same(tmp_path / "graphs", tmp_path / "compiled")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_graphs_without_a_gpu_are_refused(corpus: Corpus, world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='"cuda_graphs" are for GPUs'):
        train(recipe(*EXACT, "compute.compile=cuda_graphs"), corpus, tmp_path / "run", world, "auto")
