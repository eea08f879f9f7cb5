"""Folders and hub repositories of transformers: one network each, `NAME-discriminator` beside `NAME-generator`."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from configs.common import hub
from configs.common.errors import UserError
from configs.common.files import read_json
from pretrain.released.names import from_huggingface, in_a_model
from pretrain.released.network import Network, Part, Weights

CONFIG = "config.json"
_SAFETENSORS, _PICKLED = "model.safetensors", "pytorch_model.bin"
# What is downloaded of a repository.
_WANTED = (CONFIG, _SAFETENSORS, "vocab.txt", "tokenizer.json", "tokenizer_config.json")


def is_model(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and any((folder / name).is_file() for name in (_SAFETENSORS, _PICKLED))


def read(folder: Path, origin: str = "") -> Network:
    """The network in a folder; raises UserError for another kind of model than ELECTRA."""
    config = read_json(folder / CONFIG)
    if config.get("model_type", "electra") != "electra":
        raise UserError(f"{folder / CONFIG}: model_type is {config['model_type']}, and electra is wanted")
    theirs = {in_a_model(name): tensor.float() for name, tensor in _tensors(folder).items()}
    part: Part = "generator" if any(name.startswith("generator_") for name in theirs) else "discriminator"
    return Network(part, from_huggingface(theirs, part), config, origin or str(folder))


def download(name: str) -> Path:
    """The folder of a repository on the hub; raises UserError when it cannot be had."""
    folder = hub.download(name, _WANTED)
    # A pickle is fetched only where there is nothing else.
    return folder if (folder / _SAFETENSORS).is_file() else hub.download(name, (*_WANTED, _PICKLED))


def partner(name: str) -> str | None:
    """`X-generator` for `X-discriminator` and the other way round; None for a name of neither form."""
    for ours, theirs in (("discriminator", "generator"), ("generator", "discriminator")):
        if name.endswith(f"-{ours}") or Path(name).name == ours:
            return name.removesuffix(ours) + theirs
    return None


def _tensors(folder: Path) -> Weights:
    try:
        if (folder / _SAFETENSORS).is_file():
            return load_file(folder / _SAFETENSORS)
        return torch.load(folder / _PICKLED, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{folder}: its weights cannot be read ({reason})") from None
