"""Other text, other tasks or other rows than those of the track are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.runs import Bench
from benchmarks.records.track import HERE, hashes, read_track
from configs.common.errors import UserError
from configs.load import assignments
from data_prep.shards import Corpus


def test_the_files_of_the_track_are_accepted(bench: Bench) -> None:
    bench.track.check_files()


def test_another_text_is_refused(bench: Bench, tmp_path: Path) -> None:
    (file,) = bench.track.text_files
    (tmp_path / file.name).write_bytes(file.read_bytes() + b"more\n")
    with pytest.raises(UserError, match=f"{file.name}: has sha256 [0-9a-f]{{64}}, and the track .* is measured with"):
        replace(bench.track, text=tmp_path).check_files()


def test_a_missing_task_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"topic/dev\.jsonl: no such file, and the track .* needs it"):
        replace(bench.track, tasks=tmp_path).check_files()


def test_other_rows_are_refused(bench: Bench, corpus_folder: Path) -> None:
    """The corpus of the other tests has the same keys, and its shards are the same too."""
    corpus = Corpus(corpus_folder)
    bench.track.check_rows(corpus)
    rows = bench.track.content.rows.model_copy(update={"held_out": "0" * 64})
    track = replace(bench.track, content=bench.track.content.model_copy(update={"rows": rows}))
    with pytest.raises(UserError, match="held_out: has sha256"):
        track.check_rows(corpus)
    assert set(hashes(corpus)) == {"vocabulary", "train", "held_out"}


@pytest.mark.parametrize("name", ["english", "zh"])
def test_the_tracks_of_the_project_are_valid(name: str, tmp_path: Path) -> None:
    track = read_track(name, tmp_path, tmp_path)
    assert track.file == HERE / f"{name}.toml"
    assert len(track.content.tasks) == 2
    keys = assignments(track.task_keys)
    assert keys["bias_correction"] is True and (keys["epochs"], keys["learning_rate"]) == (3, 1e-3)
    assert all(len(value) == 64 for value in track.content.rows.model_dump().values())
