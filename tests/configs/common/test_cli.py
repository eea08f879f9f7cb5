"""Whatever a command raises for the user ends in one sentence and an exit code; a fault of ours keeps its traceback."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner, Result

from configs.common import json_lines
from configs.common.cli import application
from configs.common.errors import Unfinished, UserError


def outcome(error: BaseException | None) -> Result:
    app = application()

    @app.command()
    def work() -> None:
        if error:
            raise error
        print("done")

    # An application with a single command is still called by the name of the command.
    return CliRunner().invoke(app, ["work"])


def test_a_command_that_succeeds() -> None:
    assert (outcome(None).exit_code, outcome(None).stdout) == (0, "done\n")


@pytest.mark.parametrize(
    ("error", "exit_code", "sentence"),
    [
        (UserError("seed: 1.5 is not an integer"), 2, "error: seed: 1.5 is not an integer\n"),
        (Unfinished("the disk is full"), 75, "error: the disk is full\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/run/a"), 2, "error: /run/a: No space left on device\n"),
        (OSError(errno.EROFS, "Read-only file system"), 2, "error: the output: Read-only file system\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "error: /x: Permission denied\n"),
    ],
)
def test_an_error_is_one_sentence_with_its_exit_code(error: Exception, exit_code: int, sentence: str) -> None:
    result = outcome(error)
    assert (result.exit_code, result.stderr) == (exit_code, sentence)


@pytest.mark.parametrize("error", [OSError(errno.EBADF, "Bad file descriptor"), ValueError("of the code")])
def test_a_fault_of_the_code_is_not_hidden(error: Exception) -> None:
    assert outcome(error).exception is error


def test_only_other_processes_than_the_first_say_their_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    assert outcome(UserError("no corpus")).stderr == "error: no corpus\n"
    monkeypatch.setenv("RANK", "3")
    assert outcome(UserError("no corpus")).stderr == "process 3: error: no corpus\n"


def test_an_error_does_not_print_a_password() -> None:
    stderr = outcome(UserError("s3://key:secret@host/text: does not exist")).stderr
    assert "secret" not in stderr and "host/text: does not exist" in stderr


def application_that_raises(error: BaseException) -> typer.Typer:
    app = application()

    @app.command()
    def work() -> None:
        print("working", flush=True)
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (UserError("seed: 1.5 is not an integer"), 2, "seed: 1.5 is not an integer"),
        (Unfinished("the disk is full"), 75, "the disk is full"),
        (OSError(errno.ENOSPC, "No space left on device", "/run/a"), 2, "/run/a: No space left on device"),
        (OSError(errno.EBADF, "Bad file descriptor"), 1, "OSError: [Errno 9] Bad file descriptor"),
        (ValueError("of the code"), 1, "ValueError: of the code"),
    ],
)
def test_with_json_an_error_is_also_a_line(
    error: Exception, exit_code: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((SystemExit, type(error))) as raised:
        application_that_raises(error)(["--json", "work"])
    if isinstance(raised.value, SystemExit):
        assert raised.value.code == exit_code
    printed = capfd.readouterr()
    assert json.loads(printed.out) == {"kind": "error", "message": message, "exit_code": exit_code, "process": 0}
    assert "working" in printed.err and json_lines.are_wanted() is False


def test_with_json_a_wrong_word_of_the_command_line_is_also_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        application_that_raises(ValueError())(["--json", "work", "--bogus"])
    line = json.loads(capfd.readouterr().out)
    assert (raised.value.code, line["exit_code"], line["message"]) == (2, 2, "No such option: --bogus")


@pytest.mark.parametrize("option", ["--json", "--verbose"])
def test_an_option_of_all_commands_stands_before_the_command(option: str) -> None:
    result = CliRunner().invoke(application_that_raises(ValueError()), ["work", option])
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: {option}: must stand before the command: electra {option} COMMAND ...\n",
    )


def test_with_json_the_help_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        application_that_raises(ValueError())(["--json", "work", "--help"])
    printed = capfd.readouterr()
    assert (raised.value.code, printed.out) == (0, "") and "Usage" in printed.err


ENDINGS = {
    "returns": ("print('done', end='')", 0),
    "exits": ("sys.exit(75)", 75),
    "refuses": ("raise UserError('no corpus')", 2),
    "is at fault": ("raise ValueError('of the code')", 1),
    "is given a wrong option": ("raise BadParameter('--no')", 2),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_does_its_last_work_and_is_not_taken_down(ending: str) -> None:
    """A thread of a library that asks for the interpreter's lock during the take-down would abort the process."""
    statement, exit_code = ENDINGS[ending]
    script = f"""
import atexit, sys
from typer import BadParameter
from configs.common.cli import application, run
from configs.common.errors import UserError

class Global:
    def __del__(self, write=sys.stderr.write):
        write("taken down")

app, value = application(), Global()

@app.command()
def work():
    atexit.register(print, " and closed")
    {statement}

run(app)
"""
    done = subprocess.run([sys.executable, "-c", script, "work"], capture_output=True, text=True)
    assert done.returncode == exit_code
    assert done.stdout == ("done and closed\n" if ending == "returns" else " and closed\n")
    assert ("taken down" in done.stderr) == (sys.version_info >= (3, 14))
    assert ("Traceback" in done.stderr) == (ending == "is at fault")


def test_output_that_is_lost_is_not_a_success() -> None:
    command = [sys.executable, "-m", "launch.cli", "recipes"]
    with open("/dev/full", "w") as full:
        lost = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert lost.returncode != 0
    assert "No space left on device" in lost.stderr


def test_a_reader_that_stops_reading_is_no_error() -> None:
    command = [sys.executable, "-m", "launch.cli", "recipes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
