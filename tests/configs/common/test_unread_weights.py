"""Weights of other libraries are named, with the way to make them readable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.common.unread_weights import unread_weights


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("tf_model.h5", "Keras's format is not read; .*from_tf=True"),
        ("flax_model.msgpack", "Flax's format is not read; .*from_flax=True"),
        ("onnx/model_quantized.onnx", "an ONNX graph is not read; "),
        ("openvino/openvino_model.bin", "OpenVINO's format is not read; "),
        ("model-q8_0.gguf", "GGUF is not read; "),
        ("adapter_model.safetensors", "an adapter is not read without its model; .*merge_and_unload"),
        ("epoch=3.ckpt", "a checkpoint of a training framework is not read; "),
        ("model.zip", "an archive is not read; unpack it"),
        ("model.tar.gz", "an archive is not read; unpack it"),
        ("model.fp16.safetensors", r"weights are read from model\.safetensors; rename"),
        ("pytorch_model.fp16.bin", r"weights are read from pytorch_model\.bin; rename"),
    ],
)
def test_the_file_and_the_remedy_are_named(tmp_path: Path, file: str, sentence: str) -> None:
    assert unread_weights(tmp_path) is None
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"weights")
    assert re.match(f"holds only {re.escape(file)}: {sentence}", unread_weights(tmp_path) or "")


def test_a_folder_of_folders_names_those_that_hold_a_model(tmp_path: Path) -> None:
    """The Trainer of transformers writes such folders, and sentence-transformers once did. 2_Dense is no encoder."""
    for name, config in (("0_BERT", '{"hidden_size": 16}'), ("1_Pooling", "{}"), ("2_Dense", '{"in_features": 16}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(config)
        if name != "1_Pooling":
            (tmp_path / name / "pytorch_model.bin").write_bytes(b"weights")
    assert unread_weights(tmp_path) == "holds no weights itself; name a folder in it that does: 0_BERT"
