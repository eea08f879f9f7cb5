"""Layouts of models that are not read. This module recognises them and says how to convert or name them."""

from __future__ import annotations

from pathlib import Path

_CONVERSION = "{} is not read; convert it with transformers before version 5: {}.save_pretrained(NEW_FOLDER)"
_EXPORTED = "{} is not read; name the model that it was exported from"
_PACKED = "an archive is not read; unpack it, and name the folder that holds config.json"
_RENAME = "weights are read from {0}; rename the file to {0}"
# Names of files, or patterns of names, in the order in which they are looked for.
_UNREAD = {
    "tf_model.h5": _CONVERSION.format(
        "Keras's format", "AutoModelForPreTraining.from_pretrained(FOLDER, from_tf=True)"
    ),
    "flax_model.msgpack": _CONVERSION.format(
        "Flax's format", "AutoModelForPreTraining.from_pretrained(FOLDER, from_flax=True)"
    ),
    "adapter_model.*": (
        "an adapter is not read without its model; merge them with peft: "
        "model.merge_and_unload().save_pretrained(NEW_FOLDER)"
    ),
    "*.onnx": _EXPORTED.format("an ONNX graph"),
    "openvino_model.*": _EXPORTED.format("OpenVINO's format"),
    "*.gguf": _EXPORTED.format("GGUF"),
    "*.ckpt": "a checkpoint of a training framework is not read; save the model with save_pretrained(NEW_FOLDER)",
    "*.zip": _PACKED,
    "*.tar.gz": _PACKED,
    "*.tgz": _PACKED,
    "*.safetensors": _RENAME.format("model.safetensors"),
    "pytorch_model*.bin": _RENAME.format("pytorch_model.bin"),
}
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def unread_weights(folder: Path) -> str | None:
    """Return which unreadable weights a folder holds and the remedy, or None if it holds no weights of these kinds.

    A folder of old versions of sentence-transformers, or of transformers' Trainer, holds its models in folders below.
    """
    if inside := [below.name for below in sorted(folder.glob("*/")) if _is_encoder(below)]:
        return f"holds no weights itself; name a folder in it that does: {', '.join(inside[:5])}"
    files = sorted([*folder.glob("*"), *folder.glob("*/*")])
    for pattern, remedy in _UNREAD.items():
        if file := next((file for file in files if file.match(pattern)), None):
            return f"holds only {file.relative_to(folder)}: {remedy}"
    return None


def _is_encoder(folder: Path) -> bool:
    """Whether a folder holds a model of transformers. Other modules of sentence-transformers have no hidden_size."""
    config = folder / "config.json"
    has_weights = any((folder / name).is_file() for name in _WEIGHTS)
    return has_weights and config.is_file() and b'"hidden_size"' in config.read_bytes()
