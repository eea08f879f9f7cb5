"""Check the lines that report the progress of the tasks."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from configs.corpus_tables import SourceTable
from data_prep import progress
from data_prep.sources.ranges import Range

MEGABYTE = Range(0, SourceTable(path="text.txt"), "text.txt", "text", 0, 10**6, 10**6)


def test_a_line_has_a_rate_before_a_task_has_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY_SECONDS", 0.05)
    lines: list[str] = []

    def wait_for(pattern: str) -> None:
        """Wait until a line begins with this pattern. The thread that writes the lines may have to wait for a core."""
        deadline = time.monotonic() + 60
        while not any(re.match(pattern, line) for line in lines):
            assert time.monotonic() < deadline, lines
            time.sleep(0.01)
            lines.extend(capsys.readouterr().err.splitlines())

    (tmp_path / "progress").mkdir()
    with progress.watch([tmp_path], [[MEGABYTE], [MEGABYTE]]):
        wait_for(r"prepared 0\.0 of 2\.0 MB of text, 0\.00 MB/s, no task has started yet")
        (tmp_path / "progress" / "00001").write_text("500000")
        wait_for(r"prepared 0\.5 of 2\.0 MB of text, \d+\.\d\d MB/s, \d+ s left")
        (tmp_path / "completions").mkdir()
        (tmp_path / "completions" / "00000").touch()
        wait_for(r"prepared 1\.5 of 2\.0 MB of text")
