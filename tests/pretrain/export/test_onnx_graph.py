"""A graph holds nothing of the machine that traced it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["model.onnx", "model_quantized.onnx"])
@pytest.mark.parametrize("network", ["discriminator", "encoder", "generator"])
def test_no_path_of_the_machine_is_in_the_bytes(onnx_folder: Path, network: str, name: str) -> None:
    content = (onnx_folder / network / "onnx" / name).read_bytes()
    paths = (sys.prefix, str(Path(__file__).parents[3]), str(onnx_folder.parent), str(Path.home()))
    for trace in (*paths, "stack_trace", "site-packages", ".py", "fx_node"):
        assert trace.encode() not in content, trace
