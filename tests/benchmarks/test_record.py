"""The whole benchmark on a very small track: from the text to the table, and resumed after an interruption."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.records.runs import Bench
from configs.common.files import read_json
from data_prep.shards import Corpus


def record(command_name: str, bench: Bench, *options: str) -> subprocess.CompletedProcess[str]:
    track, tasks = bench.track, bench.track.tasks
    command = [sys.executable, "-m", "benchmarks.record", command_name, str(track.file), bench.recipe]
    command += ["--text", str(track.text), "--tasks", str(tasks), "--out", str(bench.out)]
    command += ["--levers", str(bench.levers.file), *options]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


@pytest.mark.slow
def test_from_the_text_to_the_table(bench: Bench) -> None:
    first = record("measure", bench, "--only", "reference", "--seeds", "1")
    assert first.returncode == 0, first.stderr
    assert "2 of 2 runs are left" in first.stdout and "sha256 of held-out" in first.stdout
    runs = bench.runs(list(bench.levers.entries.values()), bench.levers.seeds)
    finished = [run.result_file for run in runs if run.result_file.exists()]
    assert len(finished) == 2
    written = {file: file.stat().st_mtime_ns for file in finished}

    assert "| reference | 1 | 1 |" in record("table", bench).stdout
    second = record("measure", bench, "--jobs", "2")
    assert second.returncode == 0, second.stderr
    assert "6 of 8 runs are left" in second.stdout
    assert {file: file.stat().st_mtime_ns for file in finished} == written
    lines = {(line["entry"]["name"], line["length"]): line for line in read_json(bench.out / "record.json")["lines"]}
    assert [*lines] == [("reference", 1.0), ("reference", 0.5), ("mean", 0.5), ("masks", 0.5)]
    assert all(line["num_finished"] == 2 for line in lines.values())
    assert lines["reference", 1.0]["flops"] == pytest.approx(2 * lines["reference", 0.5]["flops"], rel=0.02)
    assert lines["mean", 0.5]["flops"] == pytest.approx(lines["reference", 0.5]["flops"], rel=0.02)
    assert set(lines["mean", 0.5]["scores"]) == {"auc", "rtd_loss", "topic, accuracy", "length, accuracy"}
    assert "| mean | 0.5 | 2 |" in (bench.out / "record.md").read_text()
    assert Corpus(bench.corpus_of(bench.levers.entries["masks"])).masking.rate == 0.25

    third = record("measure", bench)
    assert third.returncode == 0 and "0 of 8 runs are left" in third.stdout

    stored = dict(np.load(bench.judged_rows))
    stored["corrupted"] = stored["corrupted"][::-1]
    np.savez(bench.judged_rows, allow_pickle=False, **stored)
    finished[0].unlink()
    fourth = record("measure", bench)
    assert fourth.returncode == 1 and "the judge corrupts other tokens here" in fourth.stderr
