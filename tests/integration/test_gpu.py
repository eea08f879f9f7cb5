"""A run on a GPU: the losses of the CPU. And the places in the code that only a GPU runs: docs/speed.md lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from configs.common.files import read_json
from configs.folders import PROVENANCE
from tests.integration.test_run import start, training

ROOT = Path(__file__).parent.parent.parent
EXACT = ("model.dropout=0", "model.attention_dropout=0", "compute.precision=fp32", "run.log_every=1")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_the_losses_are_those_of_the_cpu(corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums in another order give other roundings, which grow from step to step."""
    for run, devices in (("gpu", "0"), ("cpu", "")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
        finished = start(corpus_folder, tmp_path / run, *EXACT)
        assert finished.returncode == 0, finished.stderr
        is_cpu = read_json(tmp_path / run / PROVENANCE)["starts"][-1]["device"] == "cpu"
        assert is_cpu == (run == "cpu")
    expected = training(tmp_path / "cpu")
    for step, values in training(tmp_path / "gpu").items():
        assert values["loss"] == pytest.approx(expected[step]["loss"], rel=1e-4), step
        assert values["gradient_norm"] == pytest.approx(expected[step]["gradient_norm"], rel=1e-3), step


def test_every_file_that_asks_for_a_gpu_is_in_the_table() -> None:
    section = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8").split("## Code that only a GPU runs\n")[1]
    rows = re.findall(r"^\| `(\S+)` \|.*\| `(\S+)` \|", section.split("\n## ")[0], re.MULTILINE)
    listed = {file for file, _ in rows}
    asking = {
        str(file.relative_to(ROOT))
        for package in ("pretrain", "launch")
        for file in (ROOT / package).rglob("*.py")
        if re.search(r'torch\.cuda|[!=]= "cuda"', file.read_text(encoding="utf-8"))
    }
    assert listed == asking
    assert all((ROOT / test).is_file() for _, test in rows)
