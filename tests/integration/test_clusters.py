"""Submit to a real Slurm of two nodes: jobs that are preempted, warned, cancelled or killed resume or say why not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from configs.common.errors import UserError
from launch.refusals import refuse_unshared
from launch.submissions import newest
from tests.conftest import SMALL
from tests.integration.test_run import training
from tests.slurm import Cluster

NUM_STEPS = 400
RECIPE = (*SMALL, f"schedule.steps={NUM_STEPS}", "run.save_every=50", "run.evaluate_every=50")
# The warning comes a minute before the time limit, since Slurm looks at time limits twice a minute.
MACHINES = """
[tests]
backend = "slurm"
nodes = 2
gpus = 0
cpus = 1
partition = "all"
time = "10"
warning = 60
environment = { NOTE = "it's 1", ELECTRA_VERBOSE = "1" } # the logs show when torchrun is warned
wrap = ["env"]
"""


class User:
    """A user whose folder is shared by all nodes."""

    def __init__(self, folder: Path, slurm: Cluster):
        self.folder, self.run, self._slurm = folder, folder / "run", slurm
        (folder / "machines.toml").write_text(MACHINES)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "launch.cli", *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=self.folder, env=environment)

    def electra(self, *arguments: object) -> str:
        """Run the command, which must succeed, and return its output."""
        process = self.start(*arguments)
        output, error = process.communicate()
        assert process.returncode == 0, output + error
        return output

    def job(self) -> str:
        """Return the number of the newest job that trains."""
        submission = newest(self.run)
        return next(id for stage, id in submission.jobs.items() if stage == "pretrain") if submission else ""

    def job_record(self) -> str:
        return self._slurm.output("scontrol", "show", "job", self.job())

    def log(self) -> str:
        with suppress(FileNotFoundError, ValueError):
            return max((self.run / "submit").glob("*/pretrain-*.log"), key=os.path.getmtime).read_text()
        return ""

    def wait(self, condition: Callable[[], object], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{self.job_record()}\n{self.log()}"
            time.sleep(0.2)

    def wait_for_step(self, step: int) -> None:
        self.wait(lambda: max(training(self.run), default=0) >= step)


@pytest.fixture
def user(slurm: Cluster, tmp_path: Path) -> User:
    try:
        refuse_unshared(tmp_path)
    except UserError:
        pytest.skip("the folders of tests are in memory here; give --basetemp a folder on a disk")
    return User(tmp_path, slurm)


def signal_all(slurm: Cluster, job: str, number: signal.Signals) -> None:
    """Send the signal to all processes of the job that train, which torchrun has started."""
    for process in slurm.processes(f"SLURM_JOB_ID={job}", "TORCHELASTIC_RUN_ID="):
        os.kill(process, number)


def preparing(slurm: Cluster, job: str) -> list[int]:
    """Return the ids of the array job's processes that prepare, without the srun that started them."""
    candidates = slurm.processes(f"SLURM_ARRAY_JOB_ID={job}", "data_prep")
    return [
        process for process in candidates if Path(f"/proc/{process}/exe").resolve() == Path(sys.executable).resolve()
    ]


@pytest.mark.slow
def test_a_pipeline_preempted_and_warned_gives_the_losses_of_an_undisturbed_run(
    user: User, slurm: Cluster, text_file: Path
) -> None:
    recipe = ("tiny", *RECIPE, "--corpus", "corpus", "--run", "run")
    where = ("--on", "tests", "--nodes", "2", "--stage", "prepare,pretrain,evaluate,export", "--watch")
    watching = user.start("submit", *recipe, f"data.sources={text_file}", *where)
    user.wait_for_step(20)
    # The stopped processes cannot finish the run while the next command is answered.
    signal_all(slurm, user.job(), signal.SIGSTOP)
    used = user.start("submit", *recipe, "--on", "tests").communicate()[1]
    assert f"is used by job {user.job()} (pretrain) on tests, which is RUNNING" in used
    assert f"scancel {user.job()}" in used

    slurm.output("scontrol", "requeue", user.job())
    signal_all(slurm, user.job(), signal.SIGCONT)
    user.wait(lambda: "resuming after step" in user.log())
    user.wait_for_step(40)
    # The stopped processes take no further step before the warning, and the new time limit is only two minutes.
    signal_all(slurm, user.job(), signal.SIGSTOP)
    slurm.output("scontrol", "update", f"JobId={user.job()}", "TimeLimit=2")
    user.wait(lambda: "Received 10 death signal" in user.log())
    slurm.output("scontrol", "update", f"JobId={user.job()}", "TimeLimit=10")
    signal_all(slurm, user.job(), signal.SIGCONT)

    output, error = watching.communicate()
    assert watching.returncode == 0, output + error + user.log()
    assert "Restarts=2" in user.job_record()
    assert re.search(r"job \d+: stopped after step-\d+, queued again", user.log())
    assert len(re.findall("resuming after step", user.log())) == 2
    assert re.search(r"pretrain +\d+ +PENDING", output) and re.search(r"pretrain +\d+ +RUNNING", output)
    assert f"step {NUM_STEPS}/{NUM_STEPS}" in output

    user.electra("submit", "tiny", *RECIPE, "--corpus", "corpus", "--run", "undisturbed", "--processes", "2")
    assert training(user.run) == training(user.folder / "undisturbed")
    assert {path.name for path in (user.run / "export").iterdir()} == {"discriminator", "generator"}
    assert "held-out rows" in user.electra("logs", "run", "--stage", "evaluate")


@pytest.mark.slow
def test_a_cancelled_job_a_lost_node_and_a_mistake(user: User, slurm: Cluster, corpus_folder: Path) -> None:
    command = ("submit", "tiny", *RECIPE, "--corpus", corpus_folder, "--run", "run", "--on", "tests", "--nodes", "2")
    user.electra(*command)
    user.wait_for_step(10)
    slurm.output("scancel", user.job())
    user.wait(lambda: "JobState=CANCELLED" in user.job_record())
    assert (user.run / "stopped.json").exists()

    user.electra(*command)
    user.wait(lambda: "resuming after step" in user.log())
    user.wait_for_step(max(training(user.run)) + 10)
    slurm.kill_node("n2")
    try:
        user.wait(lambda: "JobState=PENDING" in user.job_record())
    finally:
        slurm.start_node("n2")
    user.wait(lambda: "JobState=COMPLETED" in user.job_record())
    assert list(training(user.run)) == list(range(1, NUM_STEPS + 1))
    assert (user.run / "submit" / "2" / "pretrain.exit").read_text() == "0\n"

    mistaken = user.start(*command, "seed=2", "--watch")
    _, error = mistaken.communicate()
    assert mistaken.returncode == 2, error
    assert "this run has seed = 1, and now it is 2" in error
    assert "Restarts=0" in user.job_record()


@pytest.mark.slow
def test_a_preparation_that_reaches_its_time_limit_resumes(user: User, slurm: Cluster, text_file: Path) -> None:
    text, corpus = user.folder / "text.txt", user.folder / "corpus"
    text.write_text(text_file.read_text() * (8 * 2**20 // text_file.stat().st_size))  # long enough for several tasks
    began = time.monotonic()
    user.electra("submit", "tiny", *RECIPE, "--corpus", "corpus", "--stage", "prepare", "--on", "tests",
                 f"data.sources={text}")  # fmt: skip
    submission = newest(corpus)
    assert submission
    [job] = submission.jobs.values()

    log = submission.folder / f"prepare-{job}_0.log"

    # The stopped process does no further task before the warning, as if each task took hours. The new time limit is two
    # minutes away. Slurm continues the stopped process so that it receives the warning.
    user.wait(lambda: any((corpus / ".prepare" / "completions").glob("[0-9]*")))
    [process] = preparing(slurm, job)
    os.kill(process, signal.SIGSTOP)
    assert not (corpus / "manifest.json").exists(), "the text is too short"
    slurm.output("scontrol", "update", f"JobId={job}", f"TimeLimit={int(time.monotonic() - began) // 60 + 2}")
    user.wait(lambda: f"job {job}_0: stopped before its time limit, queued again" in log.read_text())
    slurm.output("scontrol", "update", f"JobId={job}", "TimeLimit=10")

    user.wait(lambda: (submission.folder / "prepare.exit").exists())
    assert "Restarts=1" in slurm.output("scontrol", "show", "job", job)
    assert (corpus / "manifest.json").exists()
    assert (submission.folder / "prepare.exit").read_text() == "0\n"


@pytest.mark.slow
def test_what_a_node_does_not_see_ends_the_job_and_the_watching(
    user: User, slurm: Cluster, corpus_folder: Path
) -> None:
    """Remove the corpus before the job begins, as if it were on a local disk of the machine that submits."""
    copy = user.folder / "corpus"
    copy.symlink_to(corpus_folder)
    slurm.output("scontrol", "update", "PartitionName=all", "State=DOWN")
    try:
        watching = user.start(
            "submit", "tiny", *RECIPE, "--corpus", "corpus", "--run", "run", "--on", "tests",
            "--nodes", "2", "--stage", "pretrain,export", "--watch",
        )  # fmt: skip
        user.wait(user.job)
        copy.unlink()
    finally:
        slurm.output("scontrol", "update", "PartitionName=all", "State=UP")
    _, error = watching.communicate()
    assert watching.returncode == 2, error
    message = " ".join(error.split())
    assert re.search(r"job \d+ \(pretrain\) on tests ended as FAILED", message)
    assert f"does not see {copy}/manifest.json; it must be in a folder that all nodes share" in message
    assert re.search(r"pretrain +\d+ +FAILED .*\n +export +\d+ +CANCELLED", user.electra("status", "run"))


def test_what_slurm_refuses_is_one_sentence(user: User, corpus_folder: Path) -> None:
    (user.folder / "machines.toml").write_text(MACHINES.replace('"all"', '"nowhere"'))
    refused = user.start("submit", "tiny", *RECIPE, "--corpus", corpus_folder, "--run", "run", "--on", "tests")
    _, error = refused.communicate()
    assert refused.returncode == 2 and error.count("\n") == 1
    assert "invalid partition specified: nowhere" in error
    assert newest(user.run) is None
