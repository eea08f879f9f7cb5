"""`electra evaluate --task ... --json FILE` keeps finished results however it ends, and the next call reuses them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.common.errors import EXIT_UNFINISHED
from launch.cli import app
from tests.integration.test_finetune import evaluated
from tests.pretrain.evaluation.tasks.conftest import model, models
from tests.pretrain.evaluation.tasks.toy import FAST, classes, task
from tests.released import release

__all__ = ["model", "models"]  # fixtures
ALWAYS = (*FAST, "epochs=1")


def ended(number: signal.Signals, file: Path, seeds: int, arguments: list[str]) -> tuple[int, str]:
    """Run the command, send the signal once this many seeds are kept, and return the exit code and the output."""
    process = subprocess.Popen(
        [sys.executable, "-m", "launch.cli", "evaluate", *arguments, "--json", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )
    while process.poll() is None and num_kept(file) < seeds:
        time.sleep(0.03)
    process.send_signal(number)
    output, _ = process.communicate()
    return process.returncode, output


def num_kept(file: Path) -> int:
    partial = file.with_name(f"{file.name}.partial")
    if not partial.exists():
        return 0
    tables = json.loads(partial.read_text())["tasks"]
    return sum(len(metrics["accuracy"]["values"]) for table in tables for metrics in table["models"].values())


@pytest.mark.slow
def test_interrupted_it_resumes_with_the_numbers_of_an_undisturbed_run(model: Path, tmp_path: Path) -> None:
    """Two tasks run with three seeds each; the first task is asked to stop, and the second is killed."""
    folders = [task(tmp_path, classes, name) for name in ("one", "two")]
    arguments = [str(model), "--seeds", "3", *FAST, "epochs=3"]
    arguments += [part for folder in folders for part in ("--task", str(folder))]
    undisturbed = evaluated(tmp_path, *arguments)
    file = tmp_path / "kept" / "tasks.json"
    code, output = ended(signal.SIGTERM, file, 1, arguments)
    assert code == EXIT_UNFINISHED and "SIGTERM: stopping after this step" in output, output
    assert f"error: stopped; the finished results are in {file}.partial, and the same command resumes" in output
    first = num_kept(file)
    assert 1 <= first < 6 and not file.exists()
    code, output = ended(signal.SIGKILL, file, max(4, first + 1), arguments)
    assert code == -signal.SIGKILL, output
    second = num_kept(file)
    # The command reports each seed when it is finished, and does not repeat a seed that was finished before.
    assert output.count("two, ") + output.count("one, ") in (second - first, second - first + 1)
    answer = CliRunner().invoke(app, ["evaluate", *arguments, "--json", str(file)])
    assert answer.exit_code == 0, answer.output
    assert answer.output.count(", seed ") == 6 - second
    assert json.loads(file.read_text()) == undisturbed
    assert list(file.parent.iterdir()) == [file]


def test_a_finished_file_grows(models: Path, model: Path, tmp_path: Path) -> None:
    """More seeds, another task and another model are added to the file, and no finished result is computed again."""
    if not (models / "rival").exists():
        release(models, models / "vocab.txt", names=("rival", "unused"), max_positions=64)
    one, two = (task(tmp_path, classes, name) for name in ("one", "two"))
    file = tmp_path / "scores.json"

    def computed_seeds(*arguments: str) -> list[str]:
        answer = CliRunner().invoke(app, ["evaluate", str(model), *arguments, *ALWAYS, "--json", str(file)])
        assert answer.exit_code == 0, answer.output
        return [
            line.split(": ")[0].replace(f"{models}/", "") for line in answer.output.splitlines() if ", seed " in line
        ]

    assert computed_seeds("--task", str(one), "--seeds", "1") == ["one, x-discriminator, seed 0"]
    assert computed_seeds("--task", str(one), "--seeds", "2") == ["one, x-discriminator, seed 1"]
    everything = ("--task", str(two), "--task", str(one), "--against", str(models / "rival"), "--seeds", "2")
    assert computed_seeds(*everything) == [
        *(f"two, {name}, seed {seed}" for name in ("x-discriminator", "rival") for seed in (0, 1)),
        *(f"one, rival, seed {seed}" for seed in (0, 1)),
    ]
    grown = json.loads(file.read_text())
    assert computed_seeds(*everything) == []
    assert json.loads(file.read_text()) == grown
    (tmp_path / "anew").mkdir()
    assert evaluated(tmp_path / "anew", str(model), *everything, *ALWAYS) == grown


def other_data(folder: Path, **_: Any) -> None:
    lines = (folder / "dev.jsonl").read_text().splitlines()
    (folder / "dev.jsonl").write_text("\n".join(lines[:-1]) + "\n")


def nothing(**_: Any) -> None: ...


def damaged(file: Path, **_: Any) -> None:
    file.write_text('{"tasks": [')


def of_a_corpus(file: Path, **_: Any) -> None:
    file.write_text('{"model": "run", "corpora": {}}')


REFUSED = {
    "with other settings (epochs, batch); name another file": (nothing, ("epochs=2", "batch=8")),
    "by 2 seeds, and --seeds is 1; ask for as many": (nothing, ("--seeds", "1")),
    "with another content of the task": (other_data, ()),
    "holds no results of --task; name another file": (of_a_corpus, ()),
    "not valid JSON": (damaged, ()),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_results_of_something_else_are_not_taken_over_nor_lost(sentence: str, model: Path, tmp_path: Path) -> None:
    folder, file = task(tmp_path, classes), tmp_path / "scores.json"
    arguments = (str(model), "--task", str(folder), "--seeds", "2", *ALWAYS)
    evaluated(tmp_path, *arguments)
    change, more = REFUSED[sentence]
    change(folder=folder, file=file)
    before = file.read_bytes()
    answer = CliRunner().invoke(app, ["evaluate", *arguments, *more, "--json", str(file)])
    assert answer.exit_code == 2 and sentence in answer.stderr, answer.output
    assert file.read_bytes() == before


def test_other_weights_models_and_tasks_are_named(models: Path, model: Path, tmp_path: Path) -> None:
    folder, file = task(tmp_path, classes), tmp_path / "scores.json"
    arguments = ("--task", str(folder), "--seeds", "1", *ALWAYS, "--json", str(file))
    evaluated(tmp_path, str(model), *arguments[:-2])
    changed = json.loads(file.read_text())
    changed["tasks"][0]["sha256"]["models"][str(model)] = "0" * 64
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    release(tmp_path, models / "vocab.txt", names=("second", "unused"), max_positions=64)
    for sentence, options in {
        f"holds results of {model} on toy with other weights or another tokenizer": (
            *(str(model), *arguments[:-1]),
            str(tmp_path / "changed.json"),
        ),
        f"holds results of the model {model}, which is not asked for": (str(tmp_path / "second"), *arguments),
        "holds results of the task toy, which is not asked for": (
            *(str(model), "--task", str(task(tmp_path, classes, "other"))),
            *arguments[2:],
        ),
        "--task: 2 folders are named toy": (str(model), "--task", str(folder), *arguments),
    }.items():
        answer = CliRunner().invoke(app, ["evaluate", *options])
        assert answer.exit_code == 2 and sentence in answer.stderr, answer.output
