"""Weights of 8 bits: smaller files, an honest cost, and refusals that leave nothing."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.__main__ import app
from pretrain.export.checkpoints import Choice
from pretrain.export.folder import Order, export
from pretrain.export.held_out import detection_auc, held_out, masked_accuracy, mean_cosine
from pretrain.export.onnx_runtime import runtime_outputs
from pretrain.export.proof import Proof
from pretrain.export.source import open_source
from tests.released import release

FLOAT, INT8 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT8


def graph(file: Path) -> onnx.GraphProto:
    return onnx.load(file).graph


@pytest.mark.parametrize("name", ["discriminator", "encoder", "generator"])
def test_every_matrix_and_table_has_8_bits(onnx_folder: Path, name: str) -> None:
    full, quantized = (onnx_folder / name / "onnx" / file for file in ("model.onnx", "model_quantized.onnx"))
    onnx.checker.check_model(onnx.load(quantized), full_check=True)
    tables = {table.name: table for table in graph(quantized).initializer}
    assert not [name for name, table in tables.items() if len(table.dims) == 2 and table.data_type == FLOAT]
    products = [node.input[1] for node in graph(quantized).node if node.op_type == "MatMulInteger"]
    assert all(tables[name].data_type == INT8 for name in products if name in tables)
    assert quantized.stat().st_size < full.stat().st_size


def test_the_output_of_the_generator_is_multiplied_in_int8(onnx_folder: Path) -> None:
    """By a matrix of its own, and not by a table that is dequantized and transposed in each call."""
    quantized = graph(onnx_folder / "generator" / "onnx" / "model_quantized.onnx")
    tables = {table.name: table for table in quantized.initializer}
    shapes = [tuple(tables[node.input[1]].dims) for node in quantized.node if node.op_type == "MatMulInteger"]
    assert (32, 1200) in shapes


def test_the_cost_is_what_both_files_score(run: Path, corpus: Corpus, onnx_export: list[tuple[Path, Proof]]) -> None:
    test = held_out(open_source(str(run), Choice()), corpus)
    costs = {folder.name: proof.cost for folder, proof in onnx_export}
    files = {
        name: [runtime_outputs(folder / "onnx" / file)[0] for file in ("model.onnx", "model_quantized.onnx")]
        for folder, _ in onnx_export
        for name in [folder.name]
    }
    scores = {
        "discriminator": [detection_auc(outputs, test) for outputs in files["discriminator"]],
        "encoder": [1.0, mean_cosine(files["encoder"][0], files["encoder"][1], test)],
        "generator": [masked_accuracy(outputs, test) for outputs in files["generator"]],
    }
    for name, cost in costs.items():
        assert cost is not None
        assert [cost.full, cost.quantized] == pytest.approx(scores[name], abs=1e-6)
        assert cost.lost == cost.full - cost.quantized
    assert scores["encoder"][1] > 0.99
    assert "RTD AUC" in str(costs["discriminator"]) and "samples of its generator" in str(costs["discriminator"])


def test_the_card_tells_the_cost_and_not_the_speed_of_the_machine(onnx_export: list[tuple[Path, Proof]]) -> None:
    for folder, proof in onnx_export:
        assert proof.cost and proof.lines() == [str(proof), str(proof.cost), proof.cost.speed]
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert str(proof.cost) in card
        assert "this machine" not in card


def test_a_cost_above_the_bound_is_refused(run: Path, tmp_path: Path) -> None:
    """The bound is below every possible cost."""
    with pytest.raises(UserError, match=r"costs the generator .* of its masked accuracy .* --quantize-bound allows -2"):
        export(str(run), tmp_path / "out", Order("onnx", "generator", quantize_bound=-2.0))
    assert not list(tmp_path.iterdir())


def test_without_a_corpus_the_cost_cannot_be_measured(corpus_folder: Path, tmp_path: Path) -> None:
    release(tmp_path, corpus_folder / "vocab.txt")
    with pytest.raises(UserError, match="the corpus of this model is not at hand; name one with --corpus"):
        export(str(tmp_path / "x-generator"), tmp_path / "out", Order("onnx", quantize_bound=1.0))
    other = tmp_path / "other"
    release(other, entries=1200)
    entries = (corpus_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (other / "x-generator" / "vocab.txt").write_text("\n".join([*entries[:-1], "another"]) + "\n", encoding="utf-8")
    order = Order("onnx", quantize_bound=1.0, corpus=corpus_folder)
    with pytest.raises(UserError, match="has another vocabulary than"):
        export(str(other / "x-generator"), tmp_path / "out", order)
    assert not (tmp_path / "out").exists()


REFUSED = {
    "another format": (["--format", "paddle", "--quantize", "int8"], "--quantize: is for --format onnx"),
    "the format by default": (["--quantize", "int8"], "and this is --format huggingface"),
    "an unknown quantization": (["--format", "onnx", "--quantize", "int4"], "'int4' is not"),
    "a bound alone": (["--format", "onnx", "--quantize-bound", "0.1"], "--quantize-bound is for --quantize"),
    "a negative bound": (["--format", "onnx", "--quantize", "int8", "--quantize-bound", "-1"], "--quantize-bound"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mistakes_exit_with_2_and_write_nothing(run: Path, tmp_path: Path, case: str) -> None:
    options, sentence = REFUSED[case]
    result = CliRunner().invoke(app, ["export", str(run), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())
    assert not list(tmp_path.iterdir())
