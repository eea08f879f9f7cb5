"""The search for the networks of a model, by the name that the user gives."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from configs.common.errors import UserError
from configs.common.unread_weights import unread_weights
from configs.folders import CHECKPOINTS
from configs.vocabulary.entries import vocabulary_file
from pretrain.released import google, huggingface, paddle, tensorflow
from pretrain.released.network import Network, Released, Weights
from pretrain.released.shapes import TOWER_NAMES, TowerName
from pretrain.released.vocabulary_rows import with_all_rows
from pretrain.released.weight_files import weight_file
from pretrain.run import checkpoint
from pretrain.run.trained_model import open_pair

_KINDS = (
    "a run or a checkpoint of ours, an export, a folder of transformers or PaddleNLP, a checkpoint of TensorFlow, or a "
    "name on the Hugging Face hub"
)


def open_released(name: str) -> Released:
    """Open and check the networks of a model, both of them if both can be found.

    Raises UserError when there are none, or their files are damaged.
    """
    # The path is made absolute, because `.` has no name to look for a partner by. Links are not resolved, because the
    # folder beside a link may hold the other network.
    path = tensorflow.without_ending(Path(os.path.normpath(Path(name).expanduser().absolute())))
    if path.is_dir() or tensorflow.exists(path):
        networks, folder = _in_folder(path)
    elif path.is_file():
        raise UserError(f"{name}: is a file; name the folder that holds it, {path.parent}")
    elif name.startswith((".", "/", "~")) or name.rstrip("/").count("/") > 1:
        raise UserError(f"{name}: no such folder, so it holds no model; name {_KINDS}")
    else:
        networks, folder = _on_hub(name.rstrip("/"))
    networks = [_in_fp32(network) for network in networks]
    for network in networks:
        network.check()
    vocabulary = folder if vocabulary_file(folder) else None
    return with_all_rows(Released(name, {network.part: network for network in networks}, vocabulary))


def _in_fp32(network: Network) -> Network:
    """Convert half and double precision to single precision. `Network.check` refuses all other types by name."""
    weights = network.weights.items()
    return replace(network, weights={name: t.float() if t.is_floating_point() else t for name, t in weights})


def _in_folder(path: Path) -> tuple[list[Network], Path]:
    """Read the networks of a folder or checkpoint. Returns them with the folder in which their tokenizer would be."""
    if tensorflow.exists(path):
        return google.read(path), path if path.is_dir() else path.parent
    if checkpoint.is_checkpoint(path) or (path / CHECKPOINTS).is_dir():
        return _trained(path)
    if _is_model(path):
        other = huggingface.partner(str(path))
        folders = [path, Path(other)] if other and _is_model(Path(other)) else [path]
        return _read_folders(folders), path
    below = [path / part for part in reversed(TOWER_NAMES) if _is_model(path / part)]
    if not below:
        raise UserError(_no_model(path))
    return _read_folders(below), below[0]


def _is_model(folder: Path) -> bool:
    return paddle.is_model(folder) or huggingface.is_model(folder)


def _read(folder: Path) -> list[Network]:
    return paddle.read(folder) if paddle.is_model(folder) else huggingface.read(folder)


def _read_folders(folders: list[Path]) -> list[Network]:
    """Read the networks of one folder, or of two folders whose names end in `discriminator` and `generator`."""
    if len(folders) == 1:
        return _read(folders[0])
    return [network for folder in folders for network in _named(_read(folder), str(folder))]


def _named(networks: list[Network], name: str) -> list[Network]:
    """Keep the network that the name of its model states. A BERT can be both."""
    return [network for network in networks if name.endswith(network.part)] or networks


def _no_model(path: Path) -> str:
    """Return a sentence that says why no model was read from a folder."""
    if unread := unread_weights(path):
        return f"{path}: {unread}"
    if weights := weight_file(path):
        return f"{path}: holds {weights.name} without {huggingface.CONFIG}; copy or download that file too"
    if (path / huggingface.CONFIG).is_file():
        huggingface.read_config(path / huggingface.CONFIG)  # raises UserError for another kind of model
        return (
            f"{path}: holds {huggingface.CONFIG} without weights; copy or download model.safetensors or "
            "pytorch_model.bin too"
        )
    return f"{path}: holds no model; name {_KINDS}"


def _trained(path: Path) -> tuple[list[Network], Path]:
    """Read the networks of one of our own runs or checkpoints. Returns them with the folder of the run."""
    saved = open_pair(path)
    model, networks = saved.recipe.model, []
    for part in TOWER_NAMES:
        tower = model.generator if part == "generator" else model.discriminator
        config = {
            "layer_norm_eps": model.layer_norm_epsilon,
            "hidden_size": tower.hidden,
            "num_attention_heads": tower.heads,
        }
        networks.append(Network(part, _with_own_heads(saved.pair.tower(part), part), config, str(saved.checkpoint)))
    return networks, saved.run


def _with_own_heads(tower: Weights, part: TowerName) -> Weights:
    """Leave out the heads of the other network, with which a run of other networks would begin otherwise."""
    predicts = part == "generator"
    return {
        name: tensor
        for name, tensor in tower.items()
        if not name.startswith("objectives.") or name.startswith("objectives.mlm.") == predicts
    }


def _on_hub(name: str) -> tuple[list[Network], Path]:
    folder = huggingface.download(name)
    networks = _downloaded(folder, name)
    if other := huggingface.partner(name):
        with suppress(UserError):  # many models were released without a partner; the recipe says what to do then
            networks = _named(networks, name) + _named(_downloaded(huggingface.download(other), other), other)
    return networks, folder


def _downloaded(folder: Path, name: str) -> list[Network]:
    if not huggingface.is_model(folder):
        raise UserError(
            f"{name}: this repository on the hub has no {huggingface.CONFIG} with model.safetensors or "
            "pytorch_model.bin; name another model"
        )
    return huggingface.read(folder, name)
