"""The vocabulary of a released model, as the keys of a recipe (`--init-from`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from configs.common import hub
from configs.common.errors import UserError
from configs.common.files import read_json, read_lines
from data_prep.vocabulary import TOKENIZER, WORDS, as_stated, stated, words

_SETTINGS = "tokenizer_config.json"


def settings_of(model: str, extend: int) -> dict[str, Any]:
    """`vocabulary.source` and the keys that must agree with it; `extend` words are to come beside the model's own.

    Raises UserError where there is no vocabulary.
    """
    folder = _folder(model)
    if (folder / TOKENIZER).is_file():
        source = folder / TOKENIZER
        settings, entries = stated(source), words(Tokenizer.from_file(str(source)))
    else:
        source = folder / WORDS
        settings, entries = _usual(folder), read_lines(source)
    unused = sum(entry.startswith("[unused") for entry in entries)
    return {"source": str(source), "size": len(entries) + max(0, extend - unused), **settings}


def _usual(folder: Path) -> dict[str, Any]:
    """What transformers makes of a bare vocab.txt, with what is stated beside it."""
    settings = read_json(folder / _SETTINGS) if (folder / _SETTINGS).is_file() else {}
    return as_stated(settings.get("do_lower_case", True), settings.get("strip_accents"), longest_word=100)


def _folder(model: str) -> Path:
    """Where its vocabulary lies: in it, in one half of an export, beside a checkpoint of TensorFlow's or of ours."""
    path = Path(model)
    # A checkpoint of TensorFlow's is named by what its files have in common.
    if not path.exists() and not path.with_name(f"{path.name}.index").exists():
        return hub.download(model, (TOKENIZER, WORDS, _SETTINGS))
    for place in (path, path / "discriminator", path.parent, path.parent.parent):
        if (place / TOKENIZER).is_file() or (place / WORDS).is_file():
            return place
    raise UserError(f"{model}: neither {TOKENIZER} nor {WORDS} lies in it or beside it; set vocabulary.source instead")
