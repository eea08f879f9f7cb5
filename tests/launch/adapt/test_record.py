"""Which parts are finished, made again, or refused, as a table of what may have happened in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from launch.adapt.parts import Part
from launch.adapt.record import FILE, Record


@pytest.fixture
def corpus(tmp_path: Path) -> Part:
    folder = tmp_path / "domain"
    return Part("domain", "", ("prepare", "a", "seed=1"), folder, complete=folder / "manifest.json")


@pytest.fixture
def run(tmp_path: Path) -> Part:
    return Part("pretrain", "", ("pretrain", "steps=1"), tmp_path / "run", ("domain",))


@pytest.fixture
def scores(tmp_path: Path) -> Part:
    file = tmp_path / "scores.json"
    return Part("after", "", ("evaluate", "--rows", "5"), file, ("pretrain",), file, repeats=True)


def make(part: Part) -> None:
    for file in (part.complete, part.output):
        if file and file.suffix:
            file.parent.mkdir(exist_ok=True)
            file.touch()
    if not part.output.suffix:
        part.output.mkdir(exist_ok=True)


def finish(record: Record, *parts: Part) -> None:
    for part in parts:
        record.begin(part)
        make(part)
        record.finish(part, 1.5)


def test_nothing_is_finished_at_first(tmp_path: Path, corpus: Part, run: Part, scores: Part) -> None:
    record = Record(tmp_path)
    assert not any(map(record.is_finished, (corpus, run, scores)))


def test_what_was_finished_stays_finished_in_another_process(
    tmp_path: Path, corpus: Part, run: Part, scores: Part
) -> None:
    finish(Record(tmp_path), corpus, run, scores)
    again = Record(tmp_path)
    assert all(map(again.is_finished, (corpus, run, scores)))
    assert again.parts["pretrain"].seconds == 1.5


def test_a_part_that_was_killed_is_not_finished(tmp_path: Path, run: Part, scores: Part) -> None:
    record = Record(tmp_path)
    for part in (run, scores):
        record.begin(part)
        make(part)
        assert not Record(tmp_path).is_finished(part)


def test_a_corpus_that_was_completed_before_the_kill_is_finished(tmp_path: Path, corpus: Part) -> None:
    record = Record(tmp_path)
    record.begin(corpus)
    corpus.output.mkdir()
    assert not record.is_finished(corpus)
    make(corpus)
    assert record.is_finished(corpus)


def test_a_corpus_that_was_made_by_hand_is_finished(tmp_path: Path, corpus: Part) -> None:
    record = Record(tmp_path)
    record.begin(Part("other", "", (), tmp_path / "other"))
    make(corpus)
    assert record.is_finished(corpus)


def test_other_arguments_are_refused_for_what_takes_hours(tmp_path: Path, run: Part) -> None:
    record = Record(tmp_path)
    finish(record, run)
    changed = Part("pretrain", "", ("pretrain", "steps=2"), run.output)
    sentence = r"run: was started with steps=1, and now there is steps=2; repeat the command .* or remove this folder"
    with pytest.raises(UserError, match=sentence):
        record.is_finished(changed)
    run.output.rmdir()
    assert not record.is_finished(changed)


def test_other_arguments_are_used_where_it_takes_minutes(tmp_path: Path, scores: Part) -> None:
    record = Record(tmp_path)
    finish(record, scores)
    assert not record.is_finished(Part("after", "", ("evaluate", "--rows", "9"), scores.output, repeats=True))


def test_a_new_input_is_noticed(tmp_path: Path, corpus: Part, run: Part, scores: Part) -> None:
    record = Record(tmp_path)
    finish(record, corpus, run, scores)
    finish(record, corpus)
    with pytest.raises(UserError, match="run: was made from an earlier result of the part domain"):
        record.is_finished(run)
    finish(record, run)
    assert record.is_finished(run)
    assert not record.is_finished(scores)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.txt", "mine", "is not empty and holds no adaptation; name a new folder with --out"),
        (FILE, "{", "not valid JSON"),
        (FILE, json.dumps({"schema_version": 2, "parts": {}}), "schema_version: 2 is not"),
    ],
)
def test_another_folder_is_refused(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=sentence):
        Record(tmp_path)
