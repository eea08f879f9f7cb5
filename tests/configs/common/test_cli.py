"""Whatever a command raises for the user ends in one sentence and an exit code; a fault of ours keeps its traceback."""

from __future__ import annotations

import errno

import pytest
from typer.testing import CliRunner, Result

from configs.common.cli import application
from configs.common.errors import Unfinished, UserError


def run(error: BaseException | None) -> Result:
    app = application()

    @app.command()
    def work() -> None:
        if error:
            raise error
        print("done")

    # An application with a single command is still called by the name of the command.
    return CliRunner().invoke(app, ["work"])


def test_a_command_that_succeeds() -> None:
    assert (run(None).exit_code, run(None).stdout) == (0, "done\n")


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
    result = run(error)
    assert (result.exit_code, result.stderr) == (exit_code, sentence)


@pytest.mark.parametrize("error", [OSError(errno.EBADF, "Bad file descriptor"), ValueError("of the code")])
def test_a_fault_of_the_code_is_not_hidden(error: Exception) -> None:
    assert run(error).exception is error


def test_only_other_processes_than_the_first_say_their_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    assert run(UserError("no corpus")).stderr == "error: no corpus\n"
    monkeypatch.setenv("RANK", "3")
    assert run(UserError("no corpus")).stderr == "process 3: error: no corpus\n"


def test_an_error_does_not_print_a_password() -> None:
    stderr = run(UserError("s3://key:secret@host/text: does not exist")).stderr
    assert "secret" not in stderr and "host/text: does not exist" in stderr
