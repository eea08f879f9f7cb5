"""Folders that transformers loads: safetensors, a config, the tokenizer, a model card. No pickle, no code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import tomli_w
from jinja2 import Environment, PackageLoader
from safetensors.torch import save_file

from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, sync_folder, sync_tree, write_json, write_text
from configs.recipe import Recipe
from pretrain.released.names import to_huggingface
from pretrain.run.folder import PROVENANCE
from pretrain.run.logs import read_metrics
from pretrain.run.trained_model import SavedPair, open_pair

_ARCHITECTURES = {"discriminator": "ElectraForPreTraining", "generator": "ElectraForMaskedLM"}
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt")


def export(model: Path, out: Path, parts: tuple[str, ...]) -> list[Path]:
    """Write OUT/discriminator and OUT/generator, or one of them; OUT appears whole. Returns their folders."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: exists and is not empty; name a new folder")
    saved = open_pair(model)
    if "discriminator" in parts and saved.pair.detection is None:
        raise UserError(f"{model}: was trained without [objectives.rtd], so it has no discriminator; --part generator")
    out = out.absolute()
    make_folder(out.parent)
    writing = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(writing, ignore_errors=True)
    try:
        for part in parts:
            _write(saved, writing / part, part)
        sync_tree(writing)
        if out.exists():
            out.rmdir()
        writing.replace(out)
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    sync_folder(out.parent)
    return [out / part for part in parts]


def _write(saved: SavedPair, folder: Path, part: str) -> None:
    make_folder(folder)
    weights = to_huggingface(saved.pair.tower(part), part)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", config(saved.recipe, part, _pad_id(saved.run)))
    for name in TOKENIZER_FILES:
        shutil.copyfile(saved.run / name, folder / name)
    write_json(folder / "tokenizer_config.json", _tokenizer_config(saved.recipe))
    write_text(folder / "README.md", _card(saved, part, sum(tensor.numel() for tensor in weights.values())))


def config(recipe: Recipe, part: str, pad_id: int) -> dict[str, Any]:
    """transformers' ElectraConfig of one network."""
    model = recipe.model
    tower = getattr(model, part)
    return {
        "architectures": [_ARCHITECTURES[part]],
        "model_type": "electra",
        "vocab_size": recipe.vocabulary.size,
        "embedding_size": model.embedding,
        "hidden_size": tower.hidden,
        "num_hidden_layers": tower.layers,
        "num_attention_heads": tower.heads,
        "intermediate_size": tower.intermediate,
        "hidden_act": "gelu",
        "hidden_dropout_prob": model.dropout,
        "attention_probs_dropout_prob": model.attention_dropout,
        "max_position_embeddings": model.max_positions,
        "type_vocab_size": model.token_types,
        "initializer_range": model.initializer_range,
        "layer_norm_eps": model.layer_norm_epsilon,
        "pad_token_id": pad_id,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }


def _pad_id(run: Path) -> int:
    return (run / "vocab.txt").read_text(encoding="utf-8").split("\n").index("[PAD]")


def _tokenizer_config(recipe: Recipe) -> dict[str, Any]:
    return {
        "tokenizer_class": "ElectraTokenizerFast",
        "do_lower_case": recipe.vocabulary.lowercase,
        "strip_accents": recipe.vocabulary.strip_accents,
        "tokenize_chinese_chars": True,
        "model_max_length": recipe.model.max_positions,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }


def _card(saved: SavedPair, part: str, num_parameters: int) -> str:
    scores = [
        line for line in read_metrics(saved.run) if line["kind"] == "evaluation" and line["step"] <= saved.state.step
    ]
    pages = Environment(loader=PackageLoader("pretrain"), autoescape=False, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template("card.md").render(
        part=part,
        architecture=_ARCHITECTURES[part],
        recipe=saved.recipe,
        recipe_toml=tomli_w.dumps(saved.recipe.to_dict()),
        num_parameters=num_parameters,
        state=saved.state,
        scores={name: value for name, value in scores[-1].items() if name not in ("kind", "step")} if scores else {},
        starts=read_json(saved.run / PROVENANCE)["starts"],
    )
