"""Every format of weights x what happens to files x who opens the model: it is read, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from configs.common.errors import UserError
from data_prep.released import vocabulary_keys
from launch.cli import app
from pretrain.evaluation.rows.model import open_scored_model
from pretrain.released.adaptation import complete_recipe
from pretrain.released.lookup import open_released
from tests.released import golden_copy, release

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(55))]


@pytest.fixture(scope="module")
def transformers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    release(folder, folder / "vocab.txt")
    return folder / "x-discriminator"


def in_format(form: str, source: Path, folder: Path) -> list[Path]:
    """The model in a format, and the files that hold its weights."""
    if form == "tensorflow":
        copy = golden_copy("tf_ckpt_tiny", folder.parent)
        copy.rename(folder)
        return sorted(folder.glob("model.ckpt-5.*"))
    if form == "paddle":
        golden_copy("pd_ckpt_electra_discriminator", folder.parent).rename(folder)
        return [folder / "model_state.pdparams"]
    folder.mkdir()
    for name in ("config.json", "vocab.txt"):
        (folder / name).write_bytes((source / name).read_bytes())
    tensors, ending = load_file(source / "model.safetensors"), "safetensors" if "safetensors" in form else "bin"
    stem = "model" if ending == "safetensors" else "pytorch_model"
    save: Callable[[Any, Path], None] = save_file if ending == "safetensors" else torch.save
    if not form.startswith("sharded"):
        save(tensors, folder / f"{stem}.{ending}")
        return [folder / f"{stem}.{ending}"]
    shards = [folder / f"{stem}-0000{number}-of-00002.{ending}" for number in (1, 2)]
    files = {name: shards[place % 2].name for place, name in enumerate(sorted(tensors))}
    for shard in shards:
        save({name: tensor for name, tensor in tensors.items() if files[name] == shard.name}, shard)
    (folder / f"{stem}.{ending}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return shards


def damage(file: Path, kind: str) -> None:
    match kind:
        case "pointer":
            file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
        case "web page":
            file.write_text("<!DOCTYPE html><html>please log in</html>")
        case "empty":
            file.write_bytes(b"")
        case "text":
            file.write_text("hello world")
        case "cut":
            file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
        case "missing":
            file.unlink()


FORMATS = ("safetensors", "bin", "sharded safetensors", "sharded bin", "tensorflow", "paddle")
DAMAGE = {
    "pointer": "is a Git LFS pointer in place of the file; fetch the file with `git lfs pull`",
    "web page": "is a web page in place of the file",
    "empty": "is empty",
    "text": "",
    "cut": "",
    "missing": "",
}


def opened(model: str) -> None:
    open_released(model)


def inspected(model: str) -> None:
    answer = CliRunner().invoke(app, ["inspect", model])
    if answer.exit_code:
        assert answer.exception is None or isinstance(answer.exception, UserError | SystemExit), answer.exception
        raise UserError(str(answer.exception) if isinstance(answer.exception, UserError) else answer.stderr)


def evaluated(model: str) -> None:
    open_scored_model(model, None)


# `electra pretrain --init-from`, `evaluate --task` and `export` open a model by this same function.
OPENERS = {"pretrain": opened, "inspect": inspected, "evaluate": evaluated}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("form", FORMATS)
def test_damage(form: str, kind: str, opener: str, transformers_folder: Path, tmp_path: Path) -> None:
    """The sentence names the file, or the folder that lacks it."""
    folder = tmp_path / "model"
    file = in_format(form, transformers_folder, folder)[-1]
    damage(file, kind)
    with pytest.raises(UserError) as error:
        OPENERS[opener](str(folder))
    sentence = str(error.value).replace("\n", "")
    assert DAMAGE[kind] in sentence
    assert (file.name if kind != "missing" else str(folder)) in sentence


@pytest.mark.parametrize("form", FORMATS)
def test_without_damage(form: str, transformers_folder: Path, tmp_path: Path) -> None:
    in_format(form, transformers_folder, tmp_path / "model")
    released = open_released(str(tmp_path / "model"))
    if form in FORMATS[:4]:
        expected = open_released(str(transformers_folder)).networks["discriminator"].weights
        assert all(torch.equal(released.networks["discriminator"].weights[name], expected[name]) for name in expected)


@pytest.mark.parametrize("form", [*FORMATS[:5]])
def test_preparation_refuses_a_pointer_before_the_work(form: str, transformers_folder: Path, tmp_path: Path) -> None:
    files = in_format(form, transformers_folder, tmp_path / "model")
    assert vocabulary_keys(str(tmp_path / "model"), 0)["source"] == str(tmp_path / "model" / "vocab.txt")
    pointer = next(file for file in files if file.suffix != ".index")
    damage(pointer, "pointer")
    with pytest.raises(UserError, match=f"{pointer.name}: is a Git LFS pointer"):
        vocabulary_keys(str(tmp_path / "model"), 0)


def with_state(folder: Path, source: Path, state: Any) -> Path:
    """A folder whose weights are a state as a training script saves it."""
    folder.mkdir()
    for name in ("config.json", "vocab.txt"):
        (folder / name).write_bytes((source / name).read_bytes())
    torch.save(state, folder / "pytorch_model.bin")
    return folder


def old_layer_norm(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


STATES: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "state_dict": lambda tensors: {"state_dict": tensors, "step": 5},
    "model in model": lambda tensors: {"model": {"state_dict": tensors}},
    "module.": lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()},
    "bert.": lambda tensors: {name.replace("electra.", "bert."): tensor for name, tensor in tensors.items()},
    "model.electra.": lambda tensors: {f"model.{name}": tensor for name, tensor in tensors.items()},
    "gamma": lambda tensors: {old_layer_norm(name): tensor for name, tensor in tensors.items()},
    "fp64": lambda tensors: {name: tensor.double() for name, tensor in tensors.items()},
}


@pytest.mark.parametrize("form", STATES)
def test_states_of_training_scripts(form: str, transformers_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(transformers_folder / "model.safetensors")
    folder = with_state(tmp_path / "model", transformers_folder, STATES[form](tensors))
    expected = open_released(str(transformers_folder)).networks["discriminator"].weights
    weights = open_released(str(folder)).networks["discriminator"].weights
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precisions(dtype: torch.dtype, transformers_folder: Path, tmp_path: Path) -> None:
    tensors = {name: t.to(dtype) for name, t in load_file(transformers_folder / "model.safetensors").items()}
    folder = with_state(tmp_path / "model", transformers_folder, tensors)
    word = open_released(str(folder)).main.weights["embeddings.word.weight"]
    assert torch.equal(word, tensors["electra.embeddings.word_embeddings.weight"].float())


def with_tensor(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, Any]], Any]:
    return lambda tensors: tensors | {name: change(tensors[name])}


WORD, QUERY = "electra.embeddings.word_embeddings.weight", "electra.encoder.layer.1.attention.self.query.weight"
OUTPUT, NORM = "electra.encoder.layer.1.output.dense.weight", "electra.embeddings.LayerNorm.weight"
REFUSED: dict[str, tuple[Callable[[dict[str, torch.Tensor]], Any], str]] = {
    "module": (lambda _: torch.nn.Linear(2, 2), r"holds a Python object \(torch\.nn\.modules\.linear\.Linear\)"),
    "list": (lambda _: [1, 2], "holds list, and no tensors by name"),
    "numbers": (lambda _: {"step": 5}, "holds a table of step, and no tensors by name"),
    "int8": (with_tensor(OUTPUT, lambda tensor: tensor.to(torch.int8)), "holds int8, and weights are floating-point"),
    "NaN": (with_tensor(NORM, lambda tensor: tensor * torch.nan), "holds values that are not finite"),
    "shape": (with_tensor(OUTPUT, lambda tensor: tensor[:-1]), r"output\.dense\.weight has the shape \[31, 64\]"),
    "vector": (with_tensor(WORD, lambda tensor: tensor[0]), "it lacks the matrix electra.embeddings.word_embeddings"),
    "query": (with_tensor(QUERY, lambda tensor: tensor[:-1]), "lacks electra.encoder.layer.1.attention.self.query"),
    "lacking": (lambda tensors: {n: t for n, t in tensors.items() if n != OUTPUT}, f"lacks {OUTPUT}"),
    "ALBERT": (
        lambda tensors: tensors | {"albert_layer_groups.0": torch.zeros(2)},
        "all its layers share their weights",
    ),
    "two": (lambda tensors: tensors | {f"generator.{WORD}": tensors[WORD]}, "holds 2 encoders"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_states_that_are_refused(case: str, transformers_folder: Path, tmp_path: Path) -> None:
    make, sentence = REFUSED[case]
    tensors = load_file(transformers_folder / "model.safetensors")
    folder = with_state(tmp_path / "model", transformers_folder, make(tensors))
    if case == "ALBERT":
        (folder / "config.json").write_text("{}")
    with pytest.raises(UserError, match=sentence):
        open_released(str(folder))


CONFIGS = {
    "\ufeff{}": None,
    "{": "not valid JSON",
    "[]": "holds no JSON object",
    "version https://git-lfs.github.com/spec/v1": "is a Git LFS pointer",
    '{"model_type": "roberta"}': "model_type is roberta",
    '{"layer_norm_eps": "small"}': "layer_norm_eps = 'small', and a number is needed",
    '{"hidden_size": 32, "num_attention_heads": 5}': "num_attention_heads = 5, which must divide hidden_size",
}


@pytest.mark.parametrize("content", CONFIGS)
def test_configs(content: str, transformers_folder: Path, tmp_path: Path) -> None:
    in_format("safetensors", transformers_folder, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text(content, encoding="utf-8")
    if sentence := CONFIGS[content]:
        with pytest.raises(UserError, match=sentence):
            open_released(str(tmp_path / "model"))
    else:
        assert open_released(str(tmp_path / "model")).networks["discriminator"].has_head


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "model.onnx"])
def test_other_formats_are_named(name: str, transformers_folder: Path, tmp_path: Path) -> None:
    (file,) = in_format("bin", transformers_folder, tmp_path / "model")
    file.rename(tmp_path / "model" / name)
    with pytest.raises(UserError, match=f"holds only {name}"):
        open_released(str(tmp_path / "model"))


@pytest.mark.parametrize("num_rows", [50, 64])
def test_rows_that_are_not_entries(num_rows: int, transformers_folder: Path, tmp_path: Path) -> None:
    """Entries without a row start as the mean of their pieces, and are told; rows without an entry are told."""
    tensors = load_file(transformers_folder / "model.safetensors")
    table = tensors[WORD]
    rows = table[:num_rows] if num_rows < len(table) else torch.cat([table, table[:4]])
    folder = with_state(tmp_path / "model", transformers_folder, tensors | {WORD: rows})
    released = open_released(str(folder))
    weights = released.main.weights["embeddings.word.weight"]
    (remark,) = [remark for remark in released.remarks() if "its embeddings have" in remark]
    if num_rows == 50:
        assert released.entries_without_row == tuple(range(50, 60))
        assert "no row for 10 entries" in remark
        assert torch.equal(weights[50:], table[1].expand(10, -1))  # nothing but [UNK] spells these words
    else:
        assert "4 rows more" in remark and len(weights) == 64
    tables: dict[str, Any] = {"initial": {"generator": "build", "generator_width": 0.25, "generator_steps": 1}}
    tables["initial"]["layer_decay"] = 1.0
    assert complete_recipe(released, tables, "adapt")[1].remarks


@pytest.mark.parametrize("name", [".", "./", "../model", "../model/"])
def test_relative_names(name: str, transformers_folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    in_format("safetensors", transformers_folder, tmp_path / "model")
    monkeypatch.chdir(tmp_path / "model")
    assert open_released(name).networks.keys() == {"discriminator"}
    inspected(name)


def test_names_of_checkpoints(tmp_path: Path) -> None:
    folder = golden_copy("tf_ckpt_tiny", tmp_path)
    for ending in (".index", ".data-00000-of-00001"):
        assert len(open_released(f"{folder}/model.ckpt-5{ending}").networks) == 2
    with pytest.raises(UserError, match="is a file; name the folder that holds it"):
        open_released(str(folder / "vocab.txt"))
