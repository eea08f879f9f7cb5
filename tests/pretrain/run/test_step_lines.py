"""Lines of JSON for each kind and step: whole ones alone are read, and a resumed run holds each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrain.run.step_lines import StepFile, StepLine, read_step_lines


class Word(StepLine):
    word: str


def write(path: Path, first_step: int, *lines: Word) -> None:
    file = StepFile(path, Word, first_step)
    for line in lines:
        file.write(line)


def line(step: int, word: str = "Wörter", kind: str = "evaluation") -> Word:
    return Word.model_validate({"kind": kind, "step": step, "word": word})


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    lines = [line(0), line(0, kind="general"), line(5, "词\n")]
    write(tmp_path / "words.jsonl", 0, *lines)
    assert read_step_lines(tmp_path / "words.jsonl", Word) == lines


def test_a_later_start_removes_later_lines_and_writes_none_twice(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    write(path, 0, line(0), line(5), line(10))
    write(path, 5, line(5, "again"), line(10, "new"), line(10, "twice"))
    assert read_step_lines(path, Word) == [line(0), line(5), line(10, "new")]


@pytest.mark.parametrize(
    "damage", [b'{"kind":"evalu', b"\xff\xfe", b"[1]", b'{"kind":"evaluation","step":-1,"word":""}']
)
def test_a_damaged_line_is_left_out_and_removed_by_the_next_start(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    write(path, 0, line(0), line(5))
    path.write_bytes(path.read_bytes() + damage)
    assert read_step_lines(path, Word) == [line(0), line(5)]
    write(path, 5, line(10))
    assert read_step_lines(path, Word) == [line(0), line(5), line(10)]
    assert len(path.read_bytes().splitlines()) == 3


def test_without_a_file_there_are_no_lines(tmp_path: Path) -> None:
    assert read_step_lines(tmp_path / "words.jsonl", Word) == []
