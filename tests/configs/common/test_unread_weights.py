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
        ("onnx/model.onnx", "an ONNX graph is not read; "),
    ],
)
def test_the_file_and_the_remedy_are_named(tmp_path: Path, file: str, sentence: str) -> None:
    assert unread_weights(tmp_path) is None
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"weights")
    assert re.match(f"holds only {file}: {sentence}", unread_weights(tmp_path) or "")
