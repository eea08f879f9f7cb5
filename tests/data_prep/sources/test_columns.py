"""Parquet files and Hugging Face datasets."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict

from configs.common.errors import UserError
from tests.data_prep.sources.reading import left_out, texts

TEXTS = ["one", "二", "three"]


def save(path: Path) -> dict[str, str]:
    """A source of a saved dataset with two splits."""
    train, other = Dataset.from_dict({"body": TEXTS, "media": [1, 2, 3]}), Dataset.from_dict({"body": ["no"]})
    DatasetDict({"train": train, "other": other}).save_to_disk(path)
    return {"path": str(path), "field": "body"}


@pytest.mark.parametrize("format", ["auto", "huggingface"])
@pytest.mark.parametrize("smallest_task", [2**20, 20])
def test_a_saved_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, smallest_task: int) -> None:
    source = save(tmp_path / "saved")
    monkeypatch.setattr("data_prep.sources.tasks._SMALLEST", smallest_task)
    assert sorted(texts(**source, format=format)) == sorted(TEXTS)
    assert texts(**source, format=format, split="other") == ["no"]
    assert sorted(texts(tmp_path / "saved" / "train", field="body", format=format)) == sorted(TEXTS)


def test_what_a_dataset_lacks_is_named(tmp_path: Path) -> None:
    source = save(tmp_path / "saved")
    with pytest.raises(UserError, match=r"saved cannot be opened as a dataset, split none \(it has other, train"):
        texts(**source, split="none")
    with pytest.raises(UserError, match=r"has no column 'text' \(it has body, media\)"):
        texts(source["path"])
    with pytest.raises(UserError, match=r"column 'media' is of type int64, where text is wanted"):
        texts(source["path"], field="media")


def test_a_name_that_is_no_dataset_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"data\.sources\.0\.path: no/such cannot be opened as a dataset, split train"):
        texts("no/such", format="huggingface")


def test_damage_in_the_middle_of_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [str(number) * 30 for number in range(500)]}), path)
    content = bytearray(path.read_bytes())
    content[20:220] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.parquet: is damaged or cut short"):
        texts(path)
    assert left_out(path, on_error="skip") == {"damaged files, from the damage on": 1}


def test_nested_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"data": [{"text": text, "id": 1} for text in TEXTS]}), tmp_path / "a.parquet")
    assert texts(tmp_path, field="data.text") == TEXTS


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_string_that_is_not_utf8_is_a_row_that_cannot_be_read(tmp_path: Path, is_nested: bool) -> None:
    """pyarrow reads such a file, and fails when it makes a string of the row."""
    raw = pa.array([b"good", b"caf\xe9", b"more"])
    strings = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    column = pa.StructArray.from_arrays([strings], ["inner"]) if is_nested else strings
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    keys = {"field": "text.inner"} if is_nested else {}
    with pytest.raises(
        UserError, match=r"a\.parquet: row 1 has bytes under 'text.*' that are not UTF-8 text|row 1 has"
    ):
        texts(tmp_path / "a.parquet", **keys)
    assert texts(tmp_path / "a.parquet", on_error="skip", **keys) == ["good", "more"]
