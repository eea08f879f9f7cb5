"""Every format, compression and encoding gives the same documents; what is damaged is named or left out."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from datasets import Dataset, DatasetDict
from hypothesis import given
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from configs.load import load
from data_prep.sources.readers import documents, weighted
from data_prep.sources.tasks import cut_into_tasks

DATA = load("tiny").data
TEXTS = ["first line\nsecond line", "头痛、发热 “引号”", 'comma, "quote"\ttab', "é composed, é decomposed"]


def found(**source: object) -> list[str]:
    tasks = cut_into_tasks((SourceTable.model_validate(source),))
    return [document.text.strip() for task in tasks for piece in task for document in documents(piece)]


def write_csv(path: Path, delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "body"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows({"id": number, "body": text} for number, text in enumerate(TEXTS))


def write_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps({"body": text}) + "\n" for text in TEXTS))


def write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"id": range(len(TEXTS)), "body": TEXTS}), path)


def write_dataset(path: Path) -> None:
    DatasetDict(
        {"train": Dataset.from_dict({"body": TEXTS}), "other": Dataset.from_dict({"body": ["no"]})}
    ).save_to_disk(path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.csv": write_csv,
    "a.tsv": lambda path: write_csv(path, "\t"),
    "a.jsonl": write_jsonl,
    "a.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_of_a_file(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    assert found(path=str(tmp_path), field="body") == TEXTS
    with pytest.raises(UserError, match=r"(has no column|has no text under) 'text' \(it has .*body\)"):
        found(path=str(tmp_path))


@pytest.mark.parametrize("shards", [1, 3])
def test_a_dataset_on_disk(tmp_path: Path, shards: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path / "saved")
    monkeypatch.setattr("data_prep.sources.tasks._SMALLEST", 2**20 if shards == 1 else 40)
    source = {"path": str(tmp_path / "saved"), "format": "huggingface", "field": "body"}
    assert sorted(found(**source)) == sorted(TEXTS)
    assert found(**source, split="other") == ["no"]
    with pytest.raises(UserError, match=r"saved cannot be opened as a dataset, split none"):
        found(**source, split="none")
    with pytest.raises(UserError, match=r"has no column 'text' \(it has body\)"):
        found(path=source["path"], format="huggingface")


def test_a_name_that_is_no_dataset_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"data\.sources\.0\.path: no/such cannot be opened as a dataset, split train"):
        found(path="no/such", format="huggingface")


@pytest.mark.parametrize(("format", "expected"), [("text", 2), ("lines", 4), ("file", 1)])
def test_what_ends_a_document_of_plain_text(tmp_path: Path, format: str, expected: int) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n\nthree\nfour\n")
    texts = found(path=str(tmp_path), format=format)
    assert len(texts) == expected
    assert "".join(texts).replace("\n", "") == "onetwothreefour"


def zst_in_frames(content: bytes) -> bytes:
    """Several frames, as parallel compressors write; a reader of one frame would lose the others."""
    return b"".join(zstandard.compress(content[start : start + 7]) for start in range(0, len(content), 7))


COMPRESS = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": zst_in_frames}


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_compressed_files_read_like_plain_ones(tmp_path: Path, name: str, ending: str) -> None:
    WRITERS[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    (tmp_path / f"{name}{ending}").write_bytes(COMPRESS[ending](content))
    assert found(path=str(tmp_path), field="body") == TEXTS


def test_any_fsspec_url() -> None:
    with fsspec.open("memory://texts/a.txt.gz", "wb", compression="gzip") as file:
        file.write(b"over there\n\nand there")  # type: ignore[union-attr]  one file
    assert found(path="memory://texts") == ["over there", "and there"]


@pytest.mark.parametrize("format", ["text", "csv", "jsonl"])
def test_declared_encodings(tmp_path: Path, format: str) -> None:
    text = "頭痛三天,服藥後好轉"
    content = {"text": text, "csv": f'text\n"{text}"\n', "jsonl": f'{{"text": "{text}"}}\n'}[format]
    (tmp_path / f"a.{'txt' if format == 'text' else format}").write_bytes(content.encode("gb18030"))
    assert found(path=str(tmp_path), format=format, encoding="gb18030") == [text]
    (piece,) = cut_into_tasks((SourceTable(path=str(tmp_path), format=format, encoding="utf-8"),))[0]  # type: ignore[arg-type]  a format by parameter
    assert all(document.invalid_sequences for document in documents(piece))


def test_encodings_that_cannot_be_cut_into_lines_are_refused() -> None:
    for encoding, sentence in [
        ("utf-16", "does not end lines with one byte"),
        ("utf-9", "no encoding that Python knows"),
    ]:
        with pytest.raises(UserError, match=rf"data\.sources\.0\.encoding: '{encoding}'.*{sentence}"):
            load("tiny", [f"data.sources=[{{path='a', encoding='{encoding}'}}]"])


def test_a_mark_at_the_beginning_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "marked"}\n')
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfmarked")
    (tmp_path / "c.csv").write_bytes(b"\xef\xbb\xbftext\nmarked\n")
    assert found(path=str(tmp_path)) == ["marked"] * 2
    assert found(path=str(tmp_path / "c.csv")) == ["marked"]


def test_tables_of_a_folder_are_taken_where_there_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "LICENCES.tsv").write_text("file\tlicence\na.txt\tCC0\n")
    (tmp_path / "a.txt").write_text("text")
    assert found(path=str(tmp_path)) == ["text"]
    (tmp_path / "a.txt").unlink()
    assert found(path=str(tmp_path), field="licence") == ["CC0"]


@given(place=st.integers(20, 900), cut=st.booleans(), ending=st.sampled_from([".gz", ".xz", ".zst"]))
def test_a_damaged_file_is_named_with_its_place_or_its_rest_left_out(
    tmp_path_factory: pytest.TempPathFactory, place: int, cut: bool, ending: str
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    texts = [str(np.random.default_rng(number).bytes(40).hex()) for number in range(20)]
    compress = {**COMPRESS, ".zst": lambda content: zstandard.ZstdCompressor(write_checksum=True).compress(content)}
    content = bytearray(compress[ending]("\n\n".join(texts).encode()))
    place = min(place, len(content) - 10)
    content[place] ^= 0xFF
    (folder / f"a.txt{ending}").write_bytes(content[:place] if cut else content)
    with pytest.raises(UserError, match=rf"a\.txt\{ending}: is damaged after [\d,]+ bytes of its text"):
        found(path=str(folder))
    (piece,) = cut_into_tasks((SourceTable(path=str(folder), on_error="skip"),))[0]
    *before, last = documents(piece)
    assert "is damaged after" in last.skip_reason
    if cut:  # a changed byte may be noticed only by the checksum at the end
        assert [document.text.strip() for document in before][:-1] == texts[: max(0, len(before) - 1)]


def test_bad_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good"}\n{"body": 1}\nnothing\n{"text": "also good"}\n')
    (piece,) = cut_into_tasks((SourceTable(path=str(tmp_path), on_error="skip"),))[0]
    read = list(documents(piece))
    assert [document.text for document in read] == ["good", "", "", "also good"]
    assert ["the line at byte" in document.skip_reason for document in read] == [False, True, True, False]


def test_weights_are_how_often_a_document_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(f"document {number}" for number in range(2000)))
    for weight, copies in ((0.25, 500), (1.0, 2000), (2.5, 5000)):
        (piece,) = cut_into_tasks((SourceTable(path=str(tmp_path), weight=weight),))[0]
        read = [document.text for document in weighted(piece, DATA, 1)]
        # five standard deviations of a binomial with 2,000 draws are below 112
        assert abs(len(read) - copies) < (1 if weight == 1 else 112)
        assert read == [document.text for document in weighted(piece, DATA, 1)]
        assert len({read.count(text) for text in read[:50]}) <= 2


def test_copies_of_a_document_are_cut_differently(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a word in a line\n" * 200)
    (piece,) = cut_into_tasks((SourceTable(path=str(tmp_path), weight=2.0),))[0]
    assert [document.copy for document in list(weighted(piece, DATA, 1))] == [0, 1]
