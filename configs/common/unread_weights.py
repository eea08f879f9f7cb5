"""Weights of some other libraries are not read. This module recognises them and says how to convert them."""

from __future__ import annotations

from pathlib import Path

_CONVERSION = "{} is not read; convert it with transformers before version 5: {}.save_pretrained(NEW_FOLDER)"
_UNREAD = {
    "tf_model.h5": _CONVERSION.format(
        "Keras's format", "AutoModelForPreTraining.from_pretrained(FOLDER, from_tf=True)"
    ),
    "flax_model.msgpack": _CONVERSION.format(
        "Flax's format", "AutoModelForPreTraining.from_pretrained(FOLDER, from_flax=True)"
    ),
    "model.onnx": "an ONNX graph is not read; name the model that it was exported from",
}


def unread_weights(folder: Path) -> str | None:
    """Return which unreadable weights a folder holds and the remedy, or None if it holds no weights of these kinds."""
    for file in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if file.name in _UNREAD:
            return f"holds only {file.relative_to(folder)}: {_UNREAD[file.name]}"
    return None
