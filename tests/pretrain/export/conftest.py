"""One run that many tests export, and one export of it to ONNX, which takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrain.export.folder import Order, export
from pretrain.export.proof import Proof
from tests.trained import run as run


@pytest.fixture(scope="session")
def onnx_export(run: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Proof]]:
    """Return the folders `discriminator`, `encoder` and `generator` with their proofs. Each has a quantized file too.

    Any cost is allowed, because a model of twelve steps has learned nothing that could be lost.
    """
    out = tmp_path_factory.mktemp("onnx") / "models"
    return export(str(run), out, Order("onnx", quantize_bound=1.0))


@pytest.fixture(scope="session")
def onnx_folder(onnx_export: list[tuple[Path, Proof]]) -> Path:
    return onnx_export[0][0].parent
