"""CUDA graphs are refused without a GPU. tests/integration/test_compile.py tests what a compiled step computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from pretrain.model.pair import ElectraPair
from pretrain.step.compilation import compile_layers
from pretrain.step.world import World
from tests.conftest import SMALL
from tests.integration.test_run import command, evaluated


def test_the_parameters_keep_their_names_and_graphs_are_refused_on_a_cpu() -> None:
    pair, world = ElectraPair(load("tiny", SMALL)), World(0, 1, torch.device("cpu"), None)
    names = [*pair.state_dict()]
    with pytest.raises(UserError, match=r'compute\.compile: "cuda_graphs" are for GPUs, and there is none here'):
        compile_layers(pair, "cuda_graphs", world)
    compile_layers(pair, True, world)
    assert [*pair.state_dict()] == names


def test_a_run_that_compiles_nothing_does_not_load_the_compiler(corpus_folder: Path, tmp_path: Path) -> None:
    """Loading takes a second or more of every start. torch loads it in places where nobody expects it."""
    program = (
        "import sys; from pretrain.__main__ import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print('loaded' if 'torch._dynamo' in sys.modules else 'not loaded')"
    )
    arguments = command(corpus_folder, tmp_path / "run", "run.evaluate_every=1")[3:]
    result = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "not loaded"
    assert evaluated(tmp_path / "run")[0]
