"""CUDA graphs are refused without a GPU. tests/integration/test_compile.py tests what a compiled step computes."""

from __future__ import annotations

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from pretrain.model.pair import ElectraPair
from pretrain.step.compilation import compile_layers
from pretrain.step.world import World
from tests.conftest import SMALL


def test_the_parameters_keep_their_names_and_graphs_are_refused_on_a_cpu() -> None:
    pair, world = ElectraPair(load("tiny", SMALL)), World(0, 1, torch.device("cpu"), None)
    names = [*pair.state_dict()]
    with pytest.raises(UserError, match=r'compute\.compile: "cuda_graphs" are for GPUs, and there is none here'):
        compile_layers(pair, "cuda_graphs", world)
    compile_layers(pair, True, world)
    assert [*pair.state_dict()] == names
