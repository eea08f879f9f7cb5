"""This module reads the entries of a WordPiece vocabulary by id, from a vocab.txt or a tokenizer.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.vocabulary.kinds import refuse_other_content, refuse_other_entries, refuse_other_model

SPECIAL_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
# Such files lie beside the vocabulary of a released model, and never beside a vocabulary without a model.
_FILES_OF_MODELS = ("*config.json", "*.index", "*.safetensors", "*.bin", "*.h5", "*.msgpack", "*.pdparams")


def vocabulary_file(folder: Path) -> Path | None:
    """Return the file that holds the vocabulary of `folder`: its tokenizer.json, else its vocab.txt, else None."""
    files = (folder / TOKENIZER_FILE, folder / VOCABULARY_FILE)
    return next((file for file in files if file.is_file()), None)


def read_entries(path: Path) -> list[str]:
    """Return the entries of a vocab.txt or a tokenizer.json by id.

    The weights of a released model belong to the ids of its file, so a file beside a model is read as BERT reads it:
    white space around an entry does not count, the later of two equal entries wins, and every line takes an id. An id
    that has no entry then gets the entry "[unused_ID]".

    Raises UserError for any other kind of file. If no model lies beside the file, also raises UserError for the first
    line that is not a proper entry.
    """
    if path.suffix == ".json":
        return _entries_of_tokenizer(path)
    lines = _lines(path)
    refuse_other_entries(path, lines)
    if belongs_to_model(path):
        return _without_gaps({line.strip(): number for number, line in enumerate(lines)}, len(lines))
    _refuse_improper_lines(path, lines)
    return lines


def read_folder(folder: Path) -> list[str]:
    """Return the entries of the vocabulary in `folder` by id. Raises UserError if the folder holds no vocabulary."""
    path = vocabulary_file(folder)
    if path is None:
        raise UserError(
            f"{folder}: holds neither {TOKENIZER_FILE} nor {VOCABULARY_FILE}; name a folder with a vocabulary"
        )
    return read_entries(path)


def first_difference(generator: Sequence[str], discriminator: Sequence[str]) -> str:
    """Return a sentence with the first entry in which the vocabularies of two networks differ, or an empty string."""
    for number, (own, expected) in enumerate(zip(generator, discriminator, strict=False)):
        if own != expected:
            return f"entry {number} of its vocabulary is {own!r}, and the discriminator's {expected!r}"
    return ""


def belongs_to_model(path: Path) -> bool:
    """Return whether the vocabulary file lies beside a model's configuration or weights."""
    return any(True for pattern in _FILES_OF_MODELS for _ in path.parent.glob(pattern))


def check_special_tokens(entries: Mapping[str, int], origin: str | Path) -> None:
    """Raise UserError, naming `origin`, if one of BERT's five special tokens is not an entry."""
    missing = [token for token in SPECIAL_TOKENS.values() if token not in entries]
    if not missing:
        return
    by_lowercase = {entry.lower(): entry for entry in entries}
    spelled = [by_lowercase[token.lower()] for token in missing if token.lower() in by_lowercase]
    if spelled:
        raise UserError(
            f"{origin}: its special tokens are written {', '.join(spelled)}, and ELECTRA's are "
            f"{', '.join(SPECIAL_TOKENS.values())}; rename these entries in the file, which changes no id"
        )
    others = [entry for entry in ("<pad>", "<unk>", "<s>", "</s>", "<mask>") if entry in entries]
    if others:
        raise UserError(
            f"{origin}: its special tokens are {', '.join(others)}, as RoBERTa and SentencePiece models have them, and "
            f"ELECTRA's are {', '.join(SPECIAL_TOKENS.values())}; take the vocabulary of a BERT or ELECTRA model"
        )
    raise UserError(f"{origin}: the vocabulary lacks {', '.join(missing)}, which pretraining needs; add these entries")


def _lines(path: Path) -> list[str]:
    """Return the lines of a file, without the empty lines at its end and without a byte order mark."""
    content = path.read_bytes()
    refuse_other_content(path, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text ({error}); save it as UTF-8") from None
    # Only \r\n, \r and \n end a line here: `splitlines` would also cut at U+2028, which may be an entry.
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


def _refuse_improper_lines(path: Path, lines: list[str]) -> None:
    first_lines: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            shown = f" ({line!r})" if line else ""
            raise UserError(f"{path}: line {number} is blank{shown}; every line is an entry, so delete it")
        if line != line.strip():
            raise UserError(
                f"{path}: line {number}, {line!r}, has white space around its entry; delete the white space"
            )
        if line in first_lines:
            raise UserError(
                f"{path}: line {number} has the entry {line!r} twice, first on line {first_lines[line]}; "
                "delete one of them"
            )
        first_lines[line] = number


def _entries_of_tokenizer(path: Path) -> list[str]:
    stored = read_json(path)
    refuse_other_model(path, stored)
    table = dict(stored["model"]["vocab"])
    table |= {token["content"]: token["id"] for token in stored.get("added_tokens") or ()}
    size = max(table.values(), default=-1) + 1
    if not belongs_to_model(path) and len(set(table.values())) != size:
        gap = min(set(range(size)) - set(table.values()))
        raise UserError(f"{path}: has no entry for the id {gap}; ids must follow each other")
    return _without_gaps(table, size)


def _without_gaps(ids: Mapping[str, int], size: int) -> list[str]:
    """Return the entries by id. An id without an entry, or with an empty entry, gets "[unused_ID]"."""
    entries = [f"[unused_{number}]" for number in range(size)]
    for entry, number in ids.items():
        if entry:
            entries[number] = entry
    return entries
