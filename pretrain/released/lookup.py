"""From what a user names to the networks that are there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from configs.common.errors import UserError
from configs.training_tables import TowerTable
from pretrain.released import google, huggingface, paddle, tensorflow
from pretrain.released.network import Network, Part, Released
from pretrain.run import checkpoint
from pretrain.run.folder import CHECKPOINTS
from pretrain.run.trained_model import open_pair

_KINDS = (
    "a run or a checkpoint of ours, an export, a folder of transformers or PaddleNLP, a checkpoint of TensorFlow, or a "
    "name on the Hugging Face hub"
)
_TOKENIZERS = ("tokenizer.json", "vocab.txt")


def open_released(name: str) -> Released:
    """The networks of a model, both where both are to be found. Raises UserError when there are none."""
    path = Path(name)
    if path.is_dir() or tensorflow.exists(path):
        networks, folder = _in_folder(path)
    elif path.exists() or name.startswith((".", "/", "~")):
        raise UserError(f"{name}: holds no model; name {_KINDS}")
    else:
        networks, folder = _on_hub(name)
    vocabulary = folder if any((folder / file).is_file() for file in _TOKENIZERS) else None
    released = Released(name, {network.part: network for network in networks}, vocabulary)
    for network in networks:
        assert network.shape  # raises UserError when it is no ELECTRA
    return released


def _in_folder(path: Path) -> tuple[list[Network], Path]:
    """The networks, and where their tokenizer would be."""
    if tensorflow.exists(path):
        return google.read(path), path if path.is_dir() else path.parent
    if checkpoint.is_checkpoint(path) or (path / CHECKPOINTS).is_dir():
        return _trained(path)
    if paddle.is_model(path):
        return paddle.read(path), path
    if huggingface.is_model(path):
        other = huggingface.partner(str(path.absolute()))
        folders = [path, Path(other)] if other and huggingface.is_model(Path(other)) else [path]
        return [huggingface.read(folder) for folder in folders], path
    below = [path / part for part in ("discriminator", "generator") if huggingface.is_model(path / part)]
    if not below:
        raise UserError(f"{path}: holds no model; name {_KINDS}")
    return [huggingface.read(folder) for folder in below], below[0]


def _trained(path: Path) -> tuple[list[Network], Path]:
    saved = open_pair(path)
    model, origin = saved.recipe.model, str(saved.checkpoint)
    config = {"layer_norm_eps": model.layer_norm_epsilon}
    towers: list[tuple[Part, TowerTable]] = [("generator", model.generator), ("discriminator", model.discriminator)]
    configs = [config | {"hidden_size": tower.hidden, "num_attention_heads": tower.heads} for _, tower in towers]
    networks = [
        Network(part, saved.pair.tower(part), stated, origin) for (part, _), stated in zip(towers, configs, strict=True)
    ]
    return networks, saved.run


def _on_hub(name: str) -> tuple[list[Network], Path]:
    folder = huggingface.download(name)
    networks = [huggingface.read(folder, name)]
    if other := huggingface.partner(name):
        with suppress(UserError):  # many were released alone; what to do then is the recipe's to say
            networks.append(huggingface.read(huggingface.download(other), other))
    return networks, folder
