"""The part of a run that people see while it trains: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# "evaluation" is on the corpus's own held-out rows, "general" on the held-out rows of the corpus of --general, and
# "average" is the average of the weights on the corpus's own held-out rows.
EvaluationKind = Literal["evaluation", "general", "average"]
_TITLES: dict[EvaluationKind, str] = {
    "evaluation": "held out",
    "general": "general text",
    "average": "held out, average of the weights",
}


class Display:
    """The display of one start of a run, which begins after `first_step`. Only the first process opens it."""

    def __init__(self, first_step: int, num_steps: int):
        self._num_steps = num_steps
        self._console = Console()
        self._bar = _progress(self._console) if self._console.is_terminal else None
        if self._bar:
            self._task = self._bar.add_task("", total=num_steps, completed=first_step, line="")

    def __enter__(self) -> Display:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def training(self, step: int, values: dict[str, float]) -> None:
        line = (
            f"loss {values['loss']:.3f}  masked {values['masked_accuracy']:.1%}  "
            f"replaced {values['replaced_share']:.1%}  {values['tokens_per_second']:,.0f} tokens/s"
            + (f"  skipped {values['skipped_steps']:,}" if values["skipped_steps"] else "")
        )
        if self._bar:
            self._bar.update(self._task, completed=step, line=line)
        else:
            self.say(f"step {step}/{self._num_steps}  {line}  lr {values['learning_rate']:.2e}")

    def evaluation(self, step: int, values: dict[str, float], kind: EvaluationKind) -> None:
        self.say(
            f"step {step}/{self._num_steps}  {_TITLES[kind]}: masked accuracy {values['masked_accuracy']:.1%}"
            + "".join(
                f", {name.replace('_', ' ')} {value:.4f}" for name, value in values.items() if name.endswith("_loss")
            )
            + (
                f", AUC {values['auc']:.3f}, precision {values['precision']:.1%}, recall {values['recall']:.1%}"
                if "auc" in values
                else ""
            )
        )


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[line]}"), TimeRemainingColumn())
    return Progress(*columns, console=console)
