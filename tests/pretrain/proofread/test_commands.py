"""`electra proofread` as people call it: formats, thresholds, and refusals in a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from launch.cli import app
from pretrain.export.folder import export

CONTENT = "The naïve café\r\nis 😀 not found.\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_bytes(CONTENT.encode())
    return tmp_path / "a.txt"


def proofread(*arguments: object, input: str | None = None) -> Result:
    return CliRunner().invoke(app, ["proofread", *map(str, arguments)], input=input)


def test_lines_of_json(run: Path, file: Path) -> None:
    answer = proofread(run, file, "-", "--format", "jsonl", "--threshold", 0, input=CONTENT)
    assert answer.exit_code == 0, answer.output
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {record["file"] for record in records} == {str(file), "-"}
    assert len(records) == 16
    for record in records:
        assert record.keys() == {"file", "line", "start", "end", "text", "suspicion", "proposals"}
        assert CONTENT[record["start"] : record["end"]] == record["text"]
        assert record["line"] == 1 + CONTENT[: record["start"]].count("\n")
        assert 0 < record["suspicion"] < 1
        assert record["proposals"][0].keys() == {"text", "probability"}
    assert "threshold 0; its false-alarm rate was not measured" in answer.stderr
    assert answer.stderr.count("(100.00%) are flagged") == 2


def test_the_threshold_of_a_run_is_measured_on_its_own_corpus(run: Path, corpus_folder: Path, file: Path) -> None:
    answer = proofread(run, file)
    assert answer.exit_code == 0, answer.output
    assert f"held-out rows of {corpus_folder} are above it (95 % interval over rows: " in answer.stderr
    named = proofread(run, file, "--false-alarms", 0.01, "--corpus", corpus_folder)
    assert named.stderr == answer.stderr and named.stdout == answer.stdout
    stated = proofread(run, file, "--threshold", 0.5, "--corpus", corpus_folder)
    assert "threshold 0.5: " in stated.stderr and " are above it" in stated.stderr


def test_an_export_is_measured_on_a_corpus_that_is_named(
    run: Path, corpus_folder: Path, file: Path, tmp_path: Path
) -> None:
    export(str(run), tmp_path / "models")
    refused = proofread(tmp_path / "models", file)
    assert refused.exit_code == 2
    assert "give --corpus, or a --threshold" in refused.stderr
    options = ("--corpus", corpus_folder, "--window", 64)
    both = [proofread(model, file, "--format", "jsonl", *options) for model in (run, tmp_path / "models")]
    assert both[0].exit_code == both[1].exit_code == 0, both[1].output
    thresholds = [next(line for line in each.stderr.splitlines() if line.startswith("threshold")) for each in both]
    assert thresholds[0] == thresholds[1]


def test_text_has_no_styles_without_a_terminal(run: Path, file: Path) -> None:
    answer = proofread(run, file, "--threshold", 0)
    assert answer.stdout.startswith(f"{file}:1: [[The]] [[naïve]] [[café]]\n")
    assert "\x1b" not in answer.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--threshold", 1), "--threshold 1: must be at least 0 and below 1"),
        (("--threshold", -0.1), "--threshold -0.1: must be at least 0 and below 1"),
        (("--threshold", "nan"), "--threshold nan: must be at least 0 and below 1"),
        (("--false-alarms", 0), "--false-alarms 0: must be above 0 and below 1"),
        (("--false-alarms", 1), "--false-alarms 1: must be above 0 and below 1"),
        (("--false-alarms", 1e-9), "too few for so low a rate"),
        (("--threshold", 0.5, "--false-alarms", 0.1), "give --threshold or --false-alarms, and not both"),
        (("--window", 1000), "--window 1000: must be from 4 to"),
        (("--corpus", "missing"), "missing"),
        (("missing.txt",), "missing.txt: no such file"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_printed(
    run: Path, file: Path, options: tuple[object, ...], sentence: str
) -> None:
    answer = proofread(run, file, *options)
    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert not answer.stdout


def test_a_generator_alone_suspects_nothing(run: Path, released: Path, file: Path, tmp_path: Path) -> None:
    shutil.copytree(released / "x-generator", tmp_path / "alone")
    answer = proofread(tmp_path / "alone", file, "--threshold", 0.5)
    assert answer.exit_code == 2
    assert "has no discriminator with its head, so it suspects no word" in answer.stderr


def test_a_missing_model_is_a_sentence(file: Path) -> None:
    answer = CliRunner().invoke(app, ["try", "./missing", "--port", "0"])
    assert answer.exit_code == 2
    assert "./missing: no such folder" in answer.stderr
