"""Write small BERT models in every format in which they are released."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from pretrain.export.bundle import write_bundle

SHAPE: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}


def bert(name: str = "BertForPreTraining", *, entries: int = 60, seed: int = 1, **changes: Any) -> Any:
    """Return transformers' class `name` with random weights. Biases and LayerNorms are random too."""
    torch.manual_seed(seed)
    model = getattr(transformers, name)(transformers.BertConfig(vocab_size=entries, **SHAPE | changes)).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=float(parameter.mean()), std=0.1)
    return model


def save(model: Any, folder: Path, vocabulary: Path | None = None) -> Path:
    model.save_pretrained(folder)
    return with_vocabulary(folder, vocabulary)


def with_vocabulary(folder: Path, vocabulary: Path | None) -> Path:
    if vocabulary:
        shutil.copyfile(vocabulary, folder / "vocab.txt")
    return folder


def save_tensorflow(model: Any, folder: Path, vocabulary: Path | None = None) -> Path:
    """Write the checkpoint of google-research/bert, with the names of its variables and its config."""
    folder.mkdir(parents=True)
    arrays = {_google_name(name): _google_array(name, tensor) for name, tensor in _unique(model).items()}
    write_bundle(folder / "bert_model.ckpt", arrays)
    (folder / "bert_config.json").write_text(json.dumps({"vocab_size": model.config.vocab_size, **SHAPE}))
    return with_vocabulary(folder, vocabulary)


def _google_name(name: str) -> str:
    """As in modeling.py and run_pretraining.py of google-research/bert."""
    if name.startswith("cls.seq_relationship."):
        return "cls/seq_relationship/output_" + ("weights" if name.endswith("weight") else "bias")
    if name == "cls.predictions.bias":
        return "cls/predictions/output_bias"
    name = name.replace("_embeddings.weight", "_embeddings").replace("LayerNorm.weight", "LayerNorm.gamma")
    name = name.replace("LayerNorm.bias", "LayerNorm.beta").replace(".weight", ".kernel").replace("layer.", "layer_")
    return name.replace(".", "/")


def _google_array(name: str, tensor: torch.Tensor) -> NDArray[np.float32]:
    return (tensor.T if _google_name(name).endswith("kernel") else tensor).contiguous().numpy()


def save_paddle(model: Any, folder: Path, vocabulary: Path | None = None) -> Path:
    """Write a folder of PaddleNLP's BertForPretraining, with the names of paddlenlp/transformers/bert/modeling.py."""
    folder.mkdir(parents=True)
    arrays = {_paddle_name(name): _paddle_array(name, tensor) for name, tensor in _unique(model).items()}
    arrays["cls.predictions.decoder_weight"] = arrays["bert.embeddings.word_embeddings.weight"]
    (folder / "model_state.pdparams").write_bytes(pickle.dumps(arrays, 2))
    config = {"vocab_size": model.config.vocab_size, **SHAPE}
    (folder / "model_config.json").write_text(json.dumps({"init_args": [config], "init_class": "BertModel"}))
    return with_vocabulary(folder, vocabulary)


_PADDLE = {
    "embeddings.LayerNorm": "embeddings.layer_norm",
    "encoder.layer.": "encoder.layers.",
    "attention.self.query": "self_attn.q_proj",
    "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj",
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "output.LayerNorm": "norm2",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "predictions.transform.dense": "predictions.transform",
    "predictions.transform.LayerNorm": "predictions.layer_norm",
    "predictions.bias": "predictions.decoder_bias",
}


def _paddle_name(name: str) -> str:
    for part, renamed in _PADDLE.items():
        name = name.replace(part, renamed)
    return name


def _paddle_array(name: str, tensor: torch.Tensor) -> NDArray[np.float32]:
    is_matrix = tensor.ndim == 2 and "embeddings" not in name
    return (tensor.T if is_matrix else tensor).contiguous().numpy()


def _unique(model: Any) -> dict[str, torch.Tensor]:
    """The tensors of a state without buffers, and without the second copies of tied tensors."""
    state = model.state_dict().items()
    return {name: t.detach() for name, t in state if t.is_floating_point() and ".decoder." not in name}
