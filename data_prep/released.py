"""What preparation takes from a released model (`--init-from`): the keys of its vocabulary, and its longest row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from configs.common import hub
from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.model_kinds import refuse_other_models
from configs.common.placeholders import placeholder
from configs.common.unread_weights import unread_weights
from configs.folders import RECIPE, TOKENIZER_FILE, VOCABULARY_FILE
from configs.load import read_toml
from configs.vocabulary.entries import check_special_tokens, first_difference, read_entries, vocabulary_file
from configs.vocabulary.kinds import refuse_folder
from configs.vocabulary.settings import ADDED_TOKENS_FILE, SETTINGS_FILE, read_settings
from data_prep.vocabulary import stated_settings

_CONFIG = "config.json"
_FILES = (TOKENIZER_FILE, VOCABULARY_FILE, SETTINGS_FILE, ADDED_TOKENS_FILE, _CONFIG)
_POSITIONS = "max_position_embeddings"
# Preparation reads no weights. It looks at their files all the same, because training would refuse them hours later.
_WEIGHTS = ("*.safetensors", "*.bin", "*.pdparams", "*.data-*-of-*")


def vocabulary_keys(model: str, extend: int) -> dict[str, Any]:
    """`vocabulary.source` and the keys that must agree with it; `extend` words will be added to the model's entries.

    Raises UserError where there is no vocabulary, or one of another kind than BERT's, or another kind of model.
    """
    path = _vocabulary_of(model)
    _refuse_other_models(path.parent)
    _refuse_unreadable_weights(path.parent)
    entries = read_entries(path)
    check_special_tokens({entry: number for number, entry in enumerate(entries)}, path)
    settings = read_settings(path.parent) if path.name == VOCABULARY_FILE else stated_settings(path)
    num_unused = sum(entry.startswith("[unused") for entry in entries)
    return {"source": str(path), "size": len(entries) + max(0, extend - num_unused), **asdict(settings)}


def _refuse_other_models(folder: Path) -> None:
    config = read_json(folder / _CONFIG) if (folder / _CONFIG).is_file() else {}
    if isinstance(config, dict):
        refuse_other_models(config, (), folder / _CONFIG)


def _refuse_unreadable_weights(folder: Path) -> None:
    files = sorted(file for pattern in _WEIGHTS for file in folder.glob(pattern))
    for file in files:
        if instead := placeholder(file):
            raise UserError(f"{file}: {instead}")
    # Without a configuration it is a run, and an export below it may hold any format.
    if not files and (folder / _CONFIG).is_file() and (unread := unread_weights(folder)):
        raise UserError(f"{folder}: {unread}")


def refuse_long_rows(model: str, row_length: int) -> None:
    """Raises UserError when a row has more tokens than the model has positions, as far as its configuration tells."""
    for path, positions in _stated_positions(_vocabulary_of(model).parent, Path(model)):
        if row_length > positions:
            raise UserError(
                f"data.row_length: {row_length} is above the {positions} positions of {model} ({path}), and the model "
                f"cannot read longer rows; set data.row_length={positions - positions % 8} or less, or give it more "
                f"positions with model.max_positions={row_length}"
            )


def refuse_other_generator(model: str, generator: str) -> None:
    """Raise UserError when a generator has another vocabulary than the model, since training would refuse it later.

    A generator without a vocabulary file is taken, since training compares the number of its entries.
    """
    path = _vocabulary_near(_place_of(generator))
    if path and (difference := first_difference(read_entries(path), read_entries(_vocabulary_of(model)))):
        raise UserError(
            f"initial.generator_from: {generator}: {difference}, so it cannot generate for {model}; name another"
        )


def _vocabulary_of(model: str) -> Path:
    place = _place_of(model)
    if file := _vocabulary_near(place):
        return file
    if place.is_dir():
        refuse_folder(place)
        if unread := unread_weights(place):
            raise UserError(f"{place}: {unread}")
    raise UserError(
        f"{model}: neither {TOKENIZER_FILE} nor {VOCABULARY_FILE} lies in it or beside it; put the vocabulary of the "
        "model there, or set vocabulary.source"
    )


def _place_of(model: str) -> Path:
    """The folder of a model, downloaded if it is not here, or the beginning of the names of a TensorFlow checkpoint."""
    path = Path(model)
    return path if path.exists() or _is_checkpoint(path) else hub.download(model, _FILES)


def _vocabulary_near(place: Path) -> Path | None:
    folders = (place, place / "discriminator", *place.absolute().parents[:2])
    return next((file for folder in folders if (file := vocabulary_file(folder))), None)


def _is_checkpoint(path: Path) -> bool:
    # A TensorFlow checkpoint is named by the beginning that the names of its files share.
    return bool(path.name) and path.with_name(f"{path.name}.index").exists()


def _stated_positions(vocabulary_folder: Path, path: Path) -> Iterator[tuple[Path, int]]:
    """(file, number of positions) of the configurations that lie with a model."""
    folders = [vocabulary_folder, *((path, path / "discriminator") if path.is_dir() else (path.absolute().parent,))]
    for folder in dict.fromkeys(folders):
        for file in sorted(folder.glob("*config.json")):
            if isinstance(positions := _find_key(read_json(file), _POSITIONS), int):
                yield file, positions
        if (folder / RECIPE).is_file():
            model = read_toml(folder / RECIPE).get("model", {})
            if isinstance(positions := model.get("max_positions"), int):
                yield folder / RECIPE, positions


def _find_key(value: Any, key: str) -> Any:
    """The value under `key`, in nested tables and lists too, as PaddleNLP's `init_args` are."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    inner = (_find_key(item, key) for item in value) if isinstance(value, list) else ()
    return next((found for found in inner if found is not None), None)
