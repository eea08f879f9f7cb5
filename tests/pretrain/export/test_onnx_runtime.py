"""onnxruntime gives the outputs of the model for every number of texts and every length."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pretrain.export.checkpoints import Choice
from pretrain.export.examples import random_examples
from pretrain.export.onnx_runtime import runtime_outputs, seconds_a_text
from pretrain.export.source import open_source
from pretrain.released.network import TowerName

LONGEST = 512


@pytest.mark.parametrize(
    ("name", "part", "states"),
    [("discriminator", "discriminator", False), ("encoder", "discriminator", True), ("generator", "generator", False)],
)
def test_every_shape(run: Path, onnx_folder: Path, name: str, part: TowerName, states: bool) -> None:
    source = open_source(str(run), Choice())
    assert source.networks[part].shape["max_positions"] == LONGEST
    outputs, reader = runtime_outputs(onnx_folder / name / "onnx" / "model.onnx")
    assert reader.startswith("onnxruntime ")
    lengths = torch.randint(1, LONGEST, (7,), generator=torch.Generator().manual_seed(3)).tolist()
    for num_texts, length in zip(range(1, 9), [*lengths, 1], strict=True):
        examples = random_examples(1200, num_texts, length)
        inputs = (examples.tokens, examples.segments, examples.real)
        expected = source.outputs(part, *inputs, states=states)
        difference = (outputs(*inputs) - expected)[examples.real].abs().max()
        assert difference < 1e-4, (num_texts, length)


def test_seconds_are_measured_for_both_files(onnx_folder: Path) -> None:
    folder = onnx_folder / "encoder" / "onnx"
    seconds = seconds_a_text((folder / "model.onnx", folder / "model_quantized.onnx"), 16)
    assert len(seconds) == 2 and min(seconds) > 0
