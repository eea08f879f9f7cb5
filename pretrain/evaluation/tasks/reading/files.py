"""The files of a task's splits, and the records in each."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.columns import column_records, looks_like_columns
from pretrain.evaluation.tasks.reading.fields import TEXTS
from pretrain.evaluation.tasks.reading.tables import csv_records, tsv_records
from pretrain.evaluation.tasks.reading.trees import Record, c3_records, chid_records, squad_records

SPLITS = ("train", "dev", "test")
_NAMES = {"train": "train|training", "dev": "dev|dev_matched|valid|validation|val", "test": "test"}
_JSON, _COLUMNS = (".jsonl", ".json", ".ndjson"), (".txt", ".conll", ".conllu", ".bio", ".iob", ".iob2", ".bmes")
ENDINGS = (*_JSON, ".tsv", ".csv", ".parquet", *_COLUMNS)
# C3 has two files for a split, of dialogues and of monologues.
_HALVES = ("d-", "m-")
# No language has longer words on average.
_LONGEST_MEAN = 12
# The exceptions that parsers raise for malformed content.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OSError, EOFError, zlib.error, RecursionError)


def files_of(folder: Path, split: str) -> list[Path]:
    """Find the files of a split, such as `train.jsonl`, `KUAKE-QIC_train.json`, `train-v2.0.json` or `dev_matched.tsv`.

    They may be compressed by gzip.

    Raises UserError when two files could be the split.
    """
    endings = "|".join(map(re.escape, ENDINGS))
    pattern = re.compile(
        rf"(?:[^.].*[_-])?(?:{_NAMES[split]})(?:-v[0-9.]+)?(?P<part>-\d+-of-\d+)?(?:{endings})(?:\.gz)?", re.IGNORECASE
    )
    matches = [match for path in sorted(folder.iterdir()) if path.is_file() and (match := pattern.fullmatch(path.name))]
    files = [folder / match.string for match in matches]
    halves = [half for file in files for half in _HALVES if re.search(rf"\b{half}{split}\b", file.name)]
    if len(files) > 1 and halves != [*_HALVES] and not all(match["part"] for match in matches):
        raise UserError(f"{folder}: {files[0].name} and {files[1].name} are both its {split}; leave one of them")
    return files


def records_of(file: Path) -> list[Record]:
    """The records of a file in the order of the file. Raises UserError for a file that cannot be parsed."""
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix.lower() == ".gz" else file.read_bytes()
        records = _parse(content, file)
        _refuse_half_characters(records)
        return records
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: cannot be read ({error}); save it in UTF-8") from None
    except _MALFORMED as error:
        raise UserError(f"{file}: cannot be read ({reason(error)}); expected is {_expected(file)} in UTF-8") from None


def _refuse_half_characters(records: list[Record]) -> None:
    """Raise ValueError for half of a surrogate pair, which JSON can hold, as where a post was cut in an emoji."""
    for number, record in enumerate(records, 1):
        try:
            json.dumps(record, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            sentence = f"record {number} holds half of a surrogate pair, which is no character; remove it"
            raise ValueError(sentence) from None


def reason(error: BaseException) -> str:
    """Describe in words the fault of a record, also if the exception only names a key."""
    if isinstance(error, KeyError):
        return f"there is no field {error}"
    if isinstance(error, (TypeError, AttributeError)):
        return f"a field is of another type than expected: {error}"
    return " ".join(str(error).split())


def _expected(file: Path) -> str:
    if _ending(file) in _JSON:
        return "JSON, or a JSON object in each line,"
    return "a word and its tag in each line" if _ending(file) in _COLUMNS else "a table with a header"


def _ending(file: Path) -> str:
    name = file.name.lower().removesuffix(".gz")
    return name[name.rindex(".") :]


def _parse(content: bytes, file: Path) -> list[Record]:
    ending = _ending(file)
    if ending == ".parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    text = content.decode("utf-8-sig")
    if text.startswith("version https://git-lfs"):
        raise ValueError("it is a pointer of Git LFS; fetch the file by `git lfs pull`")
    if ending in _JSON:
        return [record for top in _json_records(text) for record in _cloze_records(top, file)]
    if ending in _COLUMNS or (ending == ".tsv" and not _names_texts(text) and looks_like_columns(text)):
        return list(column_records(text))
    return tsv_records(text) if ending == ".tsv" else csv_records(text)


def _names_texts(text: str) -> bool:
    """Whether the first row is a header of texts, and not of words."""
    first, _, rest = text.partition("\n")
    header = {name.strip('"').strip().lower() for name in first.split("\t")}
    if any({name.lower() for name in names} <= header for names in TEXTS if len(names) > 1):
        return True
    has_blank_lines = "\n\n" in text.replace("\r", "").strip()
    return bool(header & {"sentence", "text", "query"}) and (not has_blank_lines or _holds_texts(rest))


def _holds_texts(rows: str) -> bool:
    """Whether the first cells are texts, and not words: most have a space, or they are long on average."""
    cells = [row.split("\t", 1)[0].strip() for row in rows.splitlines() if row.strip()]
    return 2 * sum(" " in cell for cell in cells) > len(cells) or sum(map(len, cells)) > _LONGEST_MEAN * len(cells)


def _json_value(text: str) -> Any:
    """Parse a text as one JSON value, or as a list of the values in its lines."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.split("\n") if line.strip()]


def _json_records(text: str) -> list[Record]:
    """Take the records out of a list or table of records, SQuAD's articles, C3's lists, or a record in each line."""
    value = _json_value(text)
    if isinstance(value, dict) and isinstance(items := value.get("data"), list):
        is_squad = any(isinstance(item, dict) and "paragraphs" in item for item in items)
        value = list(squad_records(items)) if is_squad else items
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        return list(value.values())  # records by their names, as in IMCS
    records: list[Any] = value if isinstance(value, list) else [value]
    if records and all(isinstance(record, list) for record in records):
        return list(c3_records(records))
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a record is no JSON object")
    return records


def _cloze_records(record: Record, file: Path) -> Iterator[Record]:
    """CHID's passages become a record for each blank; other records are returned as they are."""
    if "candidates" in record and "content" in record:
        yield from chid_records(record, _cloze_answers(file))
    else:
        yield record


def _cloze_answers(file: Path) -> dict[str, int]:
    """Read CHID's train_answer.json for train.json: blank -> place of its candidate. Empty if there is no such file."""
    name, dot, endings = file.name.partition(".")
    places = (file.with_name(f"{name}_answer{dot}{ending}") for ending in (endings, endings.removesuffix(".gz")))
    answers = next((place for place in places if place.is_file()), None)
    if answers is None:
        return {}
    content = gzip.decompress(answers.read_bytes()) if answers.suffix == ".gz" else answers.read_bytes()
    return dict(json.loads(content.decode("utf-8-sig")))
