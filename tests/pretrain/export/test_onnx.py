"""ONNX folders: the layout that optimum and transformers.js read, and refusals before anything is written."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx as onnx_library
import pytest
import torch
import transformers
from huggingface_hub import ModelCard

from configs.common.errors import UserError
from pretrain.export import onnx
from pretrain.export.checkpoints import Choice
from pretrain.export.folder import Order, export
from pretrain.export.proof import Proof
from pretrain.export.source import open_source
from tests.conftest import documents

# For each folder: transformers' class, the output, and the pipeline that the card names.
NETWORKS = {
    "discriminator": ("ElectraForPreTraining", "logits", None),
    "encoder": ("ElectraModel", "last_hidden_state", "feature-extraction"),
    "generator": ("ElectraForMaskedLM", "logits", "fill-mask"),
}
FILES = {"README.md", "config.json", "onnx/model.onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt"}
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "transformers_js.cjs"


def test_each_network_and_the_encoder_have_a_folder(onnx_export: list[tuple[Path, Proof]], onnx_folder: Path) -> None:
    assert [folder for folder, _ in onnx_export] == [onnx_folder / name for name in NETWORKS]
    for folder, proof in onnx_export:
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert files == FILES | {"onnx/model_quantized.onnx"}
        assert proof.difference < 1e-5
        assert "held-out rows and random tokens of 4 other shapes" in str(proof)


@pytest.mark.parametrize("name", NETWORKS)
def test_inputs_outputs_config_and_card(onnx_folder: Path, name: str) -> None:
    kind, output, pipeline = NETWORKS[name]
    model = onnx_library.load(onnx_folder / name / "onnx" / "model.onnx")
    onnx_library.checker.check_model(model, full_check=True)
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    last = {"discriminator": [], "encoder": [32], "generator": [1200]}[name]
    dynamic = ["batch_size", "sequence_length"]
    names = ("input_ids", "attention_mask", "token_type_ids")
    assert shapes == dict.fromkeys(names, dynamic) | {output: [*dynamic, *last]}
    assert json.loads((onnx_folder / name / "config.json").read_text())["architectures"] == [kind]
    data = ModelCard.load(onnx_folder / name / "README.md").data.to_dict()
    assert data["library_name"] == "transformers.js" and data.get("pipeline_tag") == pipeline


@pytest.mark.parametrize("name", NETWORKS)
def test_the_example_of_the_card_runs(onnx_folder: Path, name: str) -> None:
    card = (onnx_folder / name / "README.md").read_text(encoding="utf-8")
    code = card.partition("```python\n")[2].partition("```")[0].replace("FOLDER", str(onnx_folder / name))
    variables: dict[str, np.ndarray] = {}
    exec(code, variables)
    assert np.isfinite(variables[NETWORKS[name][1]]).all()


def test_the_words_are_stored_once(onnx_folder: Path) -> None:
    """Although the generator reads and predicts with them."""
    model = onnx_library.load(onnx_folder / "generator" / "onnx" / "model.onnx")
    tables = [tuple(sorted(table.dims)) for table in model.graph.initializer]
    assert tables.count((32, 1200)) == 1


def test_an_encoder_that_was_cut_is_the_only_folder(run: Path, tmp_path: Path) -> None:
    """And its two exports are the same bytes."""
    for name in ("one", "two"):
        ((folder, proof),) = export(str(run), tmp_path / name, Order("onnx", layers=1))
        assert folder == tmp_path / name / "encoder"
        assert "hidden states by onnxruntime" in str(proof)
    first, second = (tmp_path / name / "encoder" / "onnx" / "model.onnx" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_what_is_too_large_for_one_file_is_refused(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_LARGEST_FILE", 1000)
    with pytest.raises(
        UserError, match=r"the weights of the discriminator take .* GB, and a file of ONNX holds at most"
    ):
        export(str(run), tmp_path / "out", Order("onnx"))
    assert not list(tmp_path.iterdir())


def test_a_missing_package_names_the_extra(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_PACKAGES", ("onnx", "no_such_package"))
    with pytest.raises(UserError, match=r"needs no_such_package; pip install 'electra-pretraining\[onnx\]'"):
        export(str(run), tmp_path / "out", Order("onnx"))
    assert not list(tmp_path.iterdir())


def test_transformers_js_gives_the_same_outputs(run: Path, onnx_folder: Path, tmp_path: Path) -> None:
    """Runs where node finds the package: NODE_PATH=FOLDER/node_modules after `npm i @huggingface/transformers`."""
    node = shutil.which("node")
    if (
        not node
        or subprocess.run([node, "-e", "require.resolve('@huggingface/transformers')"], capture_output=True).returncode
    ):
        pytest.skip("node or the package @huggingface/transformers is not at hand")
    texts = [text[:150] for text in documents(4)]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    subprocess.run([node, SCRIPT, onnx_folder, tmp_path / "texts.json", tmp_path / "outputs.json"], check=True)
    results = json.loads((tmp_path / "outputs.json").read_text())
    source = open_source(str(run), Choice())
    tokenizer = transformers.AutoTokenizer.from_pretrained(onnx_folder / "encoder")
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    arguments = inputs["input_ids"], inputs["token_type_ids"], inputs["attention_mask"].bool()
    for name in NETWORKS:
        part = "generator" if name == "generator" else "discriminator"
        expected = source.outputs(part, *arguments, states=name == "encoder")
        result = results[name]["fp32"]
        assert result["ids"] == inputs["input_ids"].flatten().tolist()
        values = torch.tensor(result["values"]).view(expected.shape)
        assert (values - expected)[arguments[2]].abs().max() < 1e-4
        assert len(results[name]["q8"]["values"]) == expected.numel()
