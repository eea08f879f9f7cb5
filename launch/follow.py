"""`electra submit --watch` shows how far the jobs are until all of them have ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from configs.common.errors import ElectraError, Unfinished, UserError
from launch.backends import JobState
from launch.jobs import Stage
from launch.status import left_with, lines, progress, states, tail
from launch.submissions import Submission

# We do not ask more often, because the scheduler serves a whole cluster.
_POLL_SECONDS = 5
_SENTENCE = re.compile(r"(process \d+: )?error: ")


def follow(submission: Submission) -> None:
    """Return when every job has succeeded; raise an error for a job that has not. Ctrl-C leaves the jobs running."""
    home = submission.home
    try:
        with _shown() as show:
            before, state_of = None, dict[Stage, JobState]()
            while True:
                # We keep the last known states, because a scheduler forgets ended jobs and does not always answer.
                state_of |= {stage: state for stage, state in states(submission).items() if state.kind != "unknown"}
                now = {**state_of}, getattr(progress(home), "step", None)
                show(lines(home), now != before)
                if not any(state.is_alive for state in state_of.values()):
                    break
                before = now
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        raise Unfinished(f"{home}: the jobs go on; electra status {home} says how far they are") from None
    for stage in submission.jobs:
        state = state_of.get(stage, JobState("unknown", ""))
        if state.kind != "done":
            raise _why(submission, stage, state)


def _why(submission: Submission, stage: Stage, state: JobState) -> ElectraError:
    job = f"{submission.home}: job {submission.jobs[stage]} ({stage}) on {submission.name}"
    stage_logs = submission.logs(stage)
    logs = [path for path in stage_logs if isinstance(path, Path)]
    if not logs:
        where = f"this shows its output: {stage_logs[0]}" if stage_logs else "it has printed nothing"
        return Unfinished(f"{job} {_end_of(state)}; {where}")
    printed = [line.strip() for path in logs for line in tail(path, 200) if line.strip()]
    # We prefer our own error message: the lines that torchrun and srun print after it only say that a process failed.
    sentences = [line for line in printed if _SENTENCE.match(line)]
    reason = f" ({(sentences or printed)[-1]})" if printed else ""
    sentence = f"{job} {_end_of(state)}{reason}; its log is {logs[-1]}"
    if left_with(submission, stage) == "2":
        return UserError(sentence)
    return Unfinished(f"{sentence}; the same command continues")


def _end_of(state: JobState) -> str:
    return "is not known to its scheduler" if state.kind == "unknown" else f"ended as {state.text}"


@contextmanager
def _shown() -> Iterator[Callable[[list[str], bool], None]]:
    """Yield a function that shows the state. A terminal is rewritten in place; otherwise only changes are printed."""
    console = Console(highlight=False)
    if not console.is_terminal:
        yield lambda shown, changed: console.print("\n".join(shown), markup=False, soft_wrap=True) if changed else None
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda shown, changed: live.update(Text("\n".join(shown)), refresh=True)
