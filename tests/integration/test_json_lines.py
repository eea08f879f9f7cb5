"""`electra --json`: the lines of each command, their kinds and their keys, which scripts rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from data_prep.shards import Corpus
from launch.adapt.execution import execute
from launch.adapt.parts import Part
from launch.adapt.record import Record
from launch.cli import app
from launch.processes import locked
from pretrain.run.logs import read_metrics
from tests.conftest import SMALL
from tests.trained import run as run


def lines_of(capfd: pytest.CaptureFixture[str], *arguments: object, exit_code: int = 0) -> list[dict[str, Any]]:
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        app(["--json", *map(str, arguments)])
    printed = capfd.readouterr()
    assert ended.value.code == exit_code, printed.err
    return [json.loads(line) for line in printed.out.splitlines()]


def test_prepare(text_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    recipe = ["tiny", *SMALL, f"data.sources={text_file}", "--workers", 1]
    (estimate,) = lines_of(capfd, "prepare", *recipe, "--out", tmp_path / "corpus", "--dry-run")
    assert set(estimate) == {"kind", "tasks", "bytes", "text_bytes", "workers", "seconds", "warnings"}
    (corpus,) = lines_of(capfd, "prepare", *recipe, "--out", tmp_path / "corpus")
    assert (corpus.pop("kind"), corpus.pop("corpus")) == ("corpus", str(tmp_path / "corpus"))
    assert set(corpus.pop("rows")) == {"train", "validation"}
    assert set(corpus) == {
        "row_length",
        "rows_filled",
        "unknown_share",
        "invalid_sequences",
        "num_skipped",
        "warnings",
    }


def test_pretrain(corpus_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "launch.cli", "--json", "pretrain", "tiny", "--corpus", str(corpus_folder)]
    ended = subprocess.run([*command, "--run", str(run), *SMALL], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    first, *steps, last = lines
    assert first == {
        "kind": "run",
        "run": str(run),
        "recipe": "tiny",
        "parameters": first["parameters"],
        "rows": Corpus(corpus_folder).num_rows("train"),
        "steps": 12,
        "batch_rows": 8,
        "first_step": 0,
    }
    assert last == {"kind": "finished", "run": str(run), "step": 12}
    metrics = [line for line in steps if line["kind"] in ("training", "evaluation")]
    assert metrics == read_metrics(run) and len(metrics) == 12 + 2
    checkpoints = [line for line in steps if line["kind"] == "checkpoint"]
    assert [(line["step"], Path(line["folder"]).name) for line in checkpoints] == [
        (4, "step-00000004"),
        (8, "step-00000008"),
        (12, "step-00000012"),
    ]
    health = [line for line in steps if line["kind"] == "health"]
    assert [line["step"] for line in health] == [6, 12]
    assert set(health[-1]) == {"kind", "step", "summary", "is_ill", "findings"}
    assert "step 12/12  loss" in ended.stderr


def test_evaluate(run: Path, corpus_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = lines_of(capfd, "evaluate", run, "--corpus", corpus_folder, "--rows", 16)
    scores = line.pop("scores")
    assert line.pop("generator").startswith(str(run))
    assert line == {"kind": "scores", "model": str(run), "corpus": str(corpus_folder), "rows": 16}
    assert set(scores) >= {"masked_accuracy", "pseudo_perplexity", "auc"}
    assert all(set(score) == {"value", "low", "high"} for score in scores.values())


def test_export(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capfd, "export", run, "--out", tmp_path / "models")
    assert [(line["kind"], line["part"], line["format"]) for line in lines] == [
        ("export", "discriminator", "huggingface"),
        ("export", "generator", "huggingface"),
    ]
    for line in lines:
        assert Path(line["folder"]).is_dir() and line["difference"] <= line["tolerance"] and line["compared"]


def test_proofread(run: Path, corpus_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("A key is not found.", encoding="utf-8")
    command = ("proofread", run, tmp_path / "a.txt", "--threshold", 0)
    threshold, *findings, file = lines_of(capfd, *command)
    assert threshold == {"kind": "threshold", "threshold": 0, "false_alarms": None}
    assert {finding.pop("kind") for finding in findings} == {"finding"}
    assert [finding["text"] for finding in findings] == ["A", "key", "is", "not", "found", "."]
    assert set(findings[0]) == {"file", "line", "start", "end", "text", "suspicion", "proposals"}
    assert file == {
        "kind": "file",
        "file": str(tmp_path / "a.txt"),
        "tokens": file["flagged"],
        "flagged": file["tokens"],
    }
    measured, *_ = lines_of(capfd, *command, "--corpus", corpus_folder)
    assert set(measured) == {"kind", "threshold", "false_alarms", "tokens", "rows", "corpus"}
    assert measured["false_alarms"]["value"] == 1


def test_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = lines_of(capfd, "export", tmp_path / "nothing", "--out", tmp_path / "models", exit_code=2)
    assert (line["kind"], line["exit_code"]) == ("error", 2) and "nothing" in line["message"]


def test_the_parts_of_an_adaptation(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from configs.common import json_lines

    models = tmp_path / "out" / "models"
    part = Part("export", "write it", ("export", str(run), "--out", str(models)), models, complete=models)
    for _ in range(2):
        with json_lines.on_stdout(), locked(tmp_path / "out", lambda: False) as lock:
            execute([part], Record(tmp_path / "out"), lock, lambda: False, Console())
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(line["kind"], line.get("state")) for line in lines] == [
        ("part", "started"),
        ("export", None),
        ("export", None),
        ("part", "finished"),
        ("part", "skipped"),
    ]
    assert lines[0] == {
        "kind": "part",
        "name": "export",
        "number": 1,
        "parts": 1,
        "output": str(models),
        "state": "started",
    }
