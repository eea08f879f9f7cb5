"""A run that is asked to stop in any way that schedulers use saves, says so, and resumes with the same losses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from configs.common.errors import EXIT_UNFINISHED
from launch.backends import local
from launch.jobs import Stage, pipeline
from launch.machines import LOCAL
from pretrain.run import checkpoint
from tests.conftest import SMALL
from tests.integration.test_run import command, training, wait_for_step

# The run is long enough to be stopped in the middle.
NUM_STEPS = 100
LONG = (f"schedule.steps={NUM_STEPS}", "run.save_every=50", "run.evaluate_every=50")


def begin(arguments: Sequence[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def submitted(corpus: Path, run: Path) -> list[str]:
    """Return the command by which `electra submit` starts two processes."""
    [job] = pipeline([Stage.pretrain], ["tiny", *SMALL, *LONG], corpus, run, nodes=1, processes=2)
    return local.command(job, LOCAL)


def wait_until_handled(process: subprocess.Popen[str]) -> None:
    """Wait until the process has registered a handler for SIGUSR1, which happens long before the first step."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text().split("SigCgt:")[1].split()[0]
        if int(status, 16) >> (signal.SIGUSR1 - 1) & 1:
            return
        time.sleep(0.01)


def assert_marked(run: Path) -> int:
    """Check that the mark names the step of the newest checkpoint, and return this step."""
    step = json.loads((run / "stopped.json").read_text())["step"]
    assert [checkpoint.step_number(folder) for folder in checkpoint.list_checkpoints(run / "checkpoints")][-1:] == [
        step
    ][: step > 0]
    assert 0 <= step < NUM_STEPS
    return step


def assert_goes_on(arguments: Sequence[str], run: Path, step: int) -> None:
    process = begin(arguments)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert f"resuming after step {step}" in output
    assert not (run / "stopped.json").exists()
    assert list(training(run)) == list(range(1, NUM_STEPS + 1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_one_process_stops(corpus_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    process = begin(command(corpus_folder, run, *LONG))
    wait_for_step(run, 2, process)
    for _ in range(2):  # the same request arrives in two ways
        process.send_signal(number)
        time.sleep(0.05)
    output, _ = process.communicate()
    assert process.returncode == EXIT_UNFINISHED, output
    assert f"{number.name}: stopping after this step" in output
    step = assert_marked(run)
    assert step == max(training(run))
    assert f"stopped after step {step}; the same command resumes from there" in output


@pytest.mark.slow
def test_the_losses_are_those_of_a_run_that_was_never_stopped(corpus_folder: Path, tmp_path: Path) -> None:
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    process = begin(command(corpus_folder, stopped, *LONG))
    wait_for_step(stopped, 2, process)
    process.send_signal(signal.SIGUSR1)
    process.communicate()
    assert_goes_on(command(corpus_folder, stopped, *LONG), stopped, assert_marked(stopped))
    begin(command(corpus_folder, whole, *LONG)).communicate()
    assert training(stopped) == training(whole)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_two_processes_under_torchrun(corpus_folder: Path, tmp_path: Path, number: int) -> None:
    run = tmp_path / "run"
    process = begin(submitted(corpus_folder, run))
    wait_for_step(run, 2, process)
    process.send_signal(number)
    output, _ = process.communicate()
    assert process.returncode == EXIT_UNFINISHED, output
    assert_goes_on(submitted(corpus_folder, run), run, assert_marked(run))


def test_before_the_first_step(corpus_folder: Path, tmp_path: Path) -> None:
    process = begin(command(corpus_folder, tmp_path / "run", *LONG))
    wait_until_handled(process)
    process.terminate()
    output, _ = process.communicate()
    assert process.returncode == EXIT_UNFINISHED, output
    assert assert_marked(tmp_path / "run") == 0


def test_a_second_one_ends_it_at_once(corpus_folder: Path, tmp_path: Path) -> None:
    """The second step takes about a minute, so the process cannot end by itself between the two requests."""
    run = tmp_path / "run"
    rows = ("batch.rows_start=8", "batch.ramp_steps=1", "batch.rows=20000", "batch.micro_rows=1")
    process = begin(command(corpus_folder, run, *LONG, *rows))
    wait_for_step(run, 1, process)
    process.terminate()
    # The time between two requests counts from the moment at which the process handled the first one. On a busy machine
    # this is much later than the moment at which it was sent.
    assert process.stdout is not None
    assert any("stopping after this step" in line for line in process.stdout)
    time.sleep(1.2)
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert not (run / "stopped.json").exists()


@pytest.mark.slow
def test_the_processes_of_a_torchrun_that_was_killed_stop_too(corpus_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = begin(submitted(corpus_folder, run))
    wait_for_step(run, 2, process)
    workers = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    assert_goes_on(submitted(corpus_folder, run), run, assert_marked(run))
