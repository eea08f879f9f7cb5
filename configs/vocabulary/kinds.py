"""Files that are not WordPiece vocabularies are refused here, with an error that says what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.common.placeholders import placeholder

_NEEDED = "ELECTRA needs a WordPiece vocabulary: a vocab.txt with an entry on each line, or a BERT tokenizer.json"
_MODELS = {
    "BPE": "a byte-pair (BPE) tokenizer",
    "Unigram": "a SentencePiece (Unigram) tokenizer",
    "WordLevel": "a tokenizer of whole words",
}
# If more than this share of the entries look like another kind of vocabulary, it is taken for that kind.
_MOST = 0.3


def refuse_other_content(path: Path, content: bytes) -> None:
    """Raise UserError if the content of a file is not UTF-8 text with entries."""
    if instead := placeholder(path):
        raise UserError(f"{path}: {instead}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{path}: is UTF-16 text; save it as UTF-8")
    if b"\0" in content[:4096]:
        kind = "a SentencePiece model" if b"<unk>" in content[:4096] else "a binary file"
        raise UserError(f"{path}: is {kind}, and {_NEEDED}")


def refuse_other_entries(path: Path, lines: list[str]) -> None:
    """Raise UserError if the lines are a table of SentencePiece or a byte-pair vocabulary."""
    tables = sum(_is_scored(line) for line in lines)
    marked = sum(line.startswith("▁") for line in lines)
    if tables > _MOST * len(lines) or marked > _MOST * len(lines):
        raise UserError(f"{path}: is a SentencePiece table, and {_NEEDED}")
    if lines[0].startswith("#version") or sum(line.startswith("Ġ") for line in lines) > _MOST * len(lines):
        raise UserError(f"{path}: is a byte-pair (BPE) vocabulary, and {_NEEDED}")


def refuse_other_model(path: Path, stored: Any) -> None:
    """Raise UserError if the content of a JSON file is not a WordPiece tokenizer."""
    model = stored.get("model") if isinstance(stored, dict) else None
    if not isinstance(model, dict):
        is_table = isinstance(stored, dict) and stored and all(isinstance(value, int) for value in stored.values())
        kind = "a table of entries and ids, as byte-pair (BPE) vocabularies are," if is_table else "no tokenizer.json"
        raise UserError(f"{path}: is {kind} and {_NEEDED}")
    # Early versions of the package tokenizers wrote no type. Their BPE files are recognised by the key "merges".
    kind = model.get("type") or ("BPE" if "merges" in model else "WordPiece")
    if kind != "WordPiece" or not isinstance(model.get("vocab"), dict):
        raise UserError(f"{path}: is {_MODELS.get(kind, f'a tokenizer of the kind {kind}')}, and {_NEEDED}")


def refuse_folder(folder: Path) -> None:
    """Raise UserError for a folder with the vocabulary of another kind of model."""
    for name, kind in (("merges.txt", "a byte-pair (BPE)"), ("vocab.json", "a byte-pair (BPE)")):
        if (folder / name).is_file():
            raise UserError(f"{folder}: holds {kind} vocabulary ({name}), and {_NEEDED}")
    for path in sorted([*folder.glob("*.model"), *folder.glob("spiece.vocab")]):
        raise UserError(f"{folder}: holds a SentencePiece vocabulary ({path.name}), and {_NEEDED}")


def _is_scored(line: str) -> bool:
    """Return whether a line is an entry, a tab and a number, as SentencePiece writes its entries with their scores."""
    entry, tab, score = line.partition("\t")
    try:
        return bool(entry and tab) and float(score) <= 0
    except ValueError:
        return False
