"""The panel that a terminal shows while a run trains: progress, losses, scores, speed, checkpoint and health."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

# A drawing takes a few milliseconds of the process that trains, so this is less than half a percent of its time.
_DRAWINGS_PER_SECOND = 1
_STOPPING = "stopping after this step; Ctrl-C once more ends at once"
_STOPPED = "stopped; the same command resumes"


@dataclass
class Panel:
    """The newest facts about a run. The training loop sets them, and the thread of `live` draws them."""

    title: str
    num_steps: int
    rows_before: Callable[[int], int]  # the number of rows of all steps before one
    step: int
    is_stopping: Callable[[], bool] = lambda: False
    checkpoint: int = 0  # the step of the newest one, or 0
    training: dict[str, float] = field(default_factory=dict)
    held_out: dict[str, tuple[int, dict[str, float]]] = field(default_factory=dict)  # step and scores by their title
    health: str = ""
    is_ill: bool = False
    is_over: bool = False

    def __rich__(self) -> Group:
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="cyan", max_width=14)
        facts.add_column()
        for name, fact in self._facts():
            facts.add_row(name, fact)
        return Group(Text(self.title, style="bold", no_wrap=True, overflow="ellipsis"), self._progress(), facts)

    def _progress(self) -> Table:
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        bar.add_column(no_wrap=True)
        steps = f"step {self.step:,}/{self.num_steps:,}"
        bar.add_row(ProgressBar(self.num_steps, self.step), steps, self._remaining())
        return bar

    def _remaining(self) -> str:
        rate = self.training.get("rows_per_second")
        if not rate:
            return "-:--:-- left"
        seconds = (self.rows_before(self.num_steps) - self.rows_before(self.step)) / rate
        return f"{timedelta(seconds=round(seconds))} left"

    def _facts(self) -> Iterator[tuple[str, Text]]:
        if self.training:
            yield "training", Text(_training(self.training))
            yield "speed", Text(_speed(self.training))
        for title, (step, scores) in self.held_out.items():
            yield title, Text(f"{short_scores(scores)} (step {step:,})")
        yield "checkpoint", Text(f"step {self.checkpoint:,}" if self.checkpoint else "none yet")
        if self.health:
            yield "health", Text(self.health, style="red" if self.is_ill else "green")
        if self.is_stopping():
            yield "", Text(_STOPPED if self.is_over else _STOPPING, style="yellow")


def live(panel: Panel, console: Console) -> Live:
    """Return the live display of the panel.

    What this process prints to stdout and stderr while the display is open appears above it.
    """
    return Live(panel, console=console, refresh_per_second=_DRAWINGS_PER_SECOND)


def short_scores(scores: dict[str, float]) -> str:
    """Return AUC, masked accuracy and losses of held-out rows."""
    auc = [f"AUC {scores['auc']:.3f}"] if "auc" in scores else []
    losses = [f"{_words(name)} {value:.3f}" for name, value in scores.items() if name.endswith("_loss")]
    return ", ".join([*auc, f"masked accuracy {scores['masked_accuracy']:.1%}", *losses])


def _training(values: dict[str, float]) -> str:
    losses = [f"{_words(name)} {value:.3f}" for name, value in values.items() if name.endswith("loss")]
    shares = [f"masked {values['masked_accuracy']:.1%}", f"replaced {values['replaced_share']:.1%}"]
    return ", ".join([*losses, *shares, f"learning rate {values['learning_rate']:.2e}"])


def _speed(values: dict[str, float]) -> str:
    speed = f"{values['tokens_per_second']:,.0f} tokens/s, {values['data_wait_share']:.1%} of the time waiting for data"
    return speed + (f", skipped steps {values['skipped_steps']:,}" if values["skipped_steps"] else "")


def _words(name: str) -> str:
    return name.replace("_", " ")
