"""Files of tensors that transformers and torch write: safetensors or pickles, in one file or in shards."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.placeholders import placeholder

SAFETENSORS, PICKLED = "model.safetensors", "pytorch_model.bin"
_INDEX = ".index.json"
# The files are looked for in this order. safetensors comes first, since it cannot hold code.
WEIGHT_FILES = (SAFETENSORS, SAFETENSORS + _INDEX, PICKLED, PICKLED + _INDEX)
# Exceptions that unpickling raises for bytes that are damaged or were never a pickle. Only the first is pickle's own.
DAMAGED_PICKLE = (
    UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
# In this form torch's unpickler names an object that it refuses to load.
_REFUSED_OBJECT = re.compile(r"GLOBAL (\S+) was not an allowed global")
# Keys under which training scripts store a state_dict beside other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "net")


def weight_file(folder: Path) -> Path | None:
    """Return the file with a folder's weights or the index of its shards. None if the folder has neither."""
    return next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read all tensors of a folder, by the names under which they are stored.

    Raises UserError for a file that is missing, damaged, a placeholder, or holds Python objects.
    """
    file = weight_file(folder)
    assert file, "the caller asks for the weights of a folder that has them"
    return _read_shards(file) if file.name.endswith(_INDEX) else read_tensors(file)


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Read the tensors of one safetensors or pickled file."""
    check_content(file)
    return _read_safetensors(file) if file.suffix == ".safetensors" else _read_pickled(file)


def check_content(file: Path) -> None:
    """Raise UserError when a file is a placeholder for its content, or cannot be opened."""
    try:
        instead = placeholder(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    if instead:
        raise UserError(f"{file}: {instead}")


def _read_shards(index: Path) -> dict[str, Tensor]:
    """Read the tensors of all files that an index names."""
    content = read_json(index)
    files = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not files:
        raise UserError(f"{index}: has no table weight_map, which says in which file each tensor is")
    tensors: dict[str, Tensor] = {}
    for name in sorted({str(name) for name in files.values()}):
        # A name that leads out of the folder of the index is refused like a missing file.
        if Path(name).name != name or not (index.parent / name).is_file():
            raise UserError(f"{index}: names the file {name}, which is missing; copy or download all of them")
        tensors |= read_tensors(index.parent / name)
    if missing := files.keys() - tensors.keys():
        first = min(missing)
        raise UserError(f"{index.parent / files[first]}: lacks {first}, which {index.name} says it holds")
    return tensors


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{file}: is cut short or damaged ({first_line(error)}); copy or download it again") from None


def _read_pickled(file: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if refused := _REFUSED_OBJECT.search(str(error)):
            raise UserError(
                f"{file}: holds a Python object ({refused[1]}) besides tensors, and reading it would run code; save "
                "the model's state_dict() instead"
            ) from None
        raise _damaged(file, error) from None
    except (*DAMAGED_PICKLE, OSError) as error:
        raise _damaged(file, error) from None
    return _unwrapped(content, file)


def _damaged(file: Path, error: BaseException) -> UserError:
    return UserError(f"{file}: is no file that torch has saved, or is cut short ({first_line(error)}); copy it again")


def _unwrapped(content: Any, file: Path) -> dict[str, Tensor]:
    """Take the tensors by name out of the dictionaries that a training script has put around them."""
    layer = content
    for _ in range(len(_WRAPPERS)):
        if not isinstance(layer, dict):
            break
        if tensors := {str(name): value for name, value in layer.items() if isinstance(value, Tensor)}:
            return tensors
        layer = next((layer[key] for key in _WRAPPERS if isinstance(layer.get(key), dict)), None)
    kind = type(content).__name__
    if isinstance(content, dict):
        kind = f"a table of {', '.join(map(str, list(content)[:5]))}" if content else "an empty table"
    raise UserError(f"{file}: holds {kind}, and no tensors by name; save the model's state_dict()")


def first_line(error: BaseException) -> str:
    """Return the cause of another library's error in one line. torch puts many lines of advice before the cause."""
    message = str(error).rpartition("WeightsUnpickler error:")[2].strip()
    return message.split("\n")[0] or type(error).__name__
