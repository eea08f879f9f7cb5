"""Parts are executed in order as real commands; the slow test interrupts a whole adaptation and resumes it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from configs.common.errors import EXIT_UNFINISHED, Unfinished, UserError
from configs.common.files import read_json
from configs.recipe import Recipe
from data_prep.prepare import prepare
from launch.adapt.execution import PartFailed, execute
from launch.adapt.order import Order
from launch.adapt.parts import Part, parts_of, refuse_few_rows
from launch.adapt.record import FILE, Record
from launch.processes import locked
from tests.launch.adapt.conftest import OVERRIDES


def never() -> bool:
    return False


def run(out: Path, parts: list[Part], asked: Callable[[], bool] = never) -> str:
    console = Console(file=StringIO(), width=200)
    with locked(out, asked) as lock:
        execute(parts, Record(out), lock, asked, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def export_of(model: Path, out: Path) -> Part:
    return Part("export", "write it", ("export", str(model), "--out", str(out)), out, complete=out, repeats=True)


def test_a_part_is_a_command_and_is_done_once(released_model: Path, tmp_path: Path) -> None:
    part = export_of(released_model, tmp_path / "out" / "models")
    first = run(tmp_path / "out", [part])
    assert f"[1/1] export: write it\n$ {part.command}\n" in first
    assert (part.output / "discriminator").is_dir()
    again = run(tmp_path / "out", [part])
    assert f"is finished: {part.output}" in again
    assert "$ electra" not in again
    # An export takes seconds, so it is made again when its record says that it was interrupted.
    Record(tmp_path / "out").begin(part)
    assert "$ electra" in run(tmp_path / "out", [part])


def test_a_part_that_fails_ends_the_adaptation(tmp_path: Path) -> None:
    parts = [export_of(tmp_path / "nothing", tmp_path / "out" / "a"), export_of(tmp_path, tmp_path / "out" / "b")]
    with pytest.raises(PartFailed, match="the part export ended with exit code 2; the same command resumes") as failed:
        run(tmp_path / "out", parts)
    assert failed.value.exit_code == 2
    assert not Record(tmp_path / "out").parts["export"].result


def test_a_part_that_is_of_no_use_does_not_begin(corpus_folder: Path, small_recipe: Recipe, tmp_path: Path) -> None:
    """A corpus without two held-out rows cannot be scored, and training would take hours."""
    refuse_few_rows([corpus_folder])
    data = small_recipe.data.model_copy(update={"validation_share": 0.0})
    prepare(small_recipe.model_copy(update={"data": data}), tmp_path / "few", workers=1)
    order = Order(model="model", text=("text/",), out=tmp_path / "out", general=str(tmp_path / "few"))
    shutil.copytree(corpus_folder, order.domain_corpus)
    (part,) = [part for part in parts_of(order, tests_with_model=True, detects=True) if part.name == "pretrain"]
    with pytest.raises(UserError, match=r"few: 0 rows are held out, and scores need two; give more text"):
        run(tmp_path / "parts", [part])
    assert not order.run.exists()


def test_a_request_to_stop_before_a_part(released_model: Path, tmp_path: Path) -> None:
    with pytest.raises(Unfinished, match="stopped before the part export"):
        run(tmp_path / "out", [export_of(released_model, tmp_path / "out" / "models")], lambda: True)
    assert not (tmp_path / "out" / FILE).exists()


def arguments(order: Order, out: Path, *more: str) -> list[str]:
    """The command line of a whole adaptation that is long enough to be interrupted in its training."""
    options = ["--general", str(order.general), "--task", str(order.tasks[0]), "--rows", "20", "--seeds", "2"]
    keys = [word for key in order.task_keys for word in ("--task-key", key)]
    words = ["adapt", order.model, "--text", order.text[0], "--out", str(out), *options, *keys, *OVERRIDES, *more]
    return [sys.executable, "-m", "launch.cli", *words]


def wait_for(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not there():
        assert process.poll() is None, "the adaptation ended before it could be interrupted"
        time.sleep(0.02)


@pytest.mark.slow
def test_an_adaptation_that_is_killed_in_every_way_ends_with_the_same_numbers(order: Order, tmp_path: Path) -> None:
    steps = ("schedule.steps=300", "run.save_every=20", "run.evaluate_every=100")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    subprocess.run(arguments(order, undisturbed, *steps), check=True, env=environment, capture_output=True)
    command = arguments(order, out, *steps)
    # what must exist -> the signal that is sent then
    moments = {
        out / "domain": signal.SIGKILL,
        out / "run" / "checkpoints" / "step-00000020": signal.SIGTERM,
        out / "run" / "checkpoints" / "step-00000080": signal.SIGKILL,
        out / "tasks": signal.SIGINT,
    }
    for moment, number in moments.items():
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        wait_for(moment.exists, process)
        process.send_signal(number)
        assert process.wait() == (-signal.SIGKILL if number == signal.SIGKILL else EXIT_UNFINISHED)
    subprocess.run(command, check=True, env=environment, capture_output=True)
    assert (out / "report.html").is_file()
    for name in ("before", "after", "own"):
        results, expected = (read_json(folder / "scores" / f"{name}.json")["corpora"] for folder in (out, undisturbed))
        assert list(results.values()) == list(expected.values())
    results, expected = (read_json(folder / "tasks" / "kinds.json")["tasks"][0] for folder in (out, undisturbed))
    assert list(results["models"].values()) == list(expected["models"].values())
    # Other arguments for what was trained are refused, and nothing is changed.
    answer = subprocess.run([*command, "schedule.steps=5"], env=environment, capture_output=True, text=True)
    assert answer.returncode == 2
    assert f"{out / 'run'}: was started with fewer arguments, and now there is schedule.steps=5" in answer.stderr
