"""The part of a run that people see while it trains: a live panel on a terminal, plain lines elsewhere.

With `electra --json`, scripts get the same facts as lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rich.console import Console

from configs.common import json_lines
from pretrain.run.live import Panel, live

# "evaluation" is on the corpus's own held-out rows, "general" on the held-out rows of the corpus of --general, and
# "average" is the average of the weights on the corpus's own held-out rows.
EvaluationKind = Literal["evaluation", "general", "average"]
_TITLES: dict[EvaluationKind, str] = {
    "evaluation": "held out",
    "general": "general text",
    "average": "held out, average of the weights",
}


class Display:
    """The display of one start of a run. Only the first process opens it."""

    def __init__(self, panel: Panel):
        self._panel = panel
        self._console = Console()
        self._stack = ExitStack()
        # Where FORCE_COLOR is set, rich takes a file for a terminal.
        is_terminal = self._console.is_interactive and self._console.file.isatty()
        self._is_live = is_terminal and not json_lines.are_on_a_terminal()

    def __enter__(self) -> Display:
        if self._is_live:
            self._stack.enter_context(live(self._panel, self._console))
            # The cursor stays visible, so that a run that is killed in any way leaves the terminal as it was.
            self._console.show_cursor(True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._panel.is_over = True
        self._stack.close()

    def resume(self, lines: Sequence[dict[str, Any]]) -> None:
        """Show the newest scores among the lines of the metrics that earlier starts wrote."""
        for line in lines:
            if line["kind"] in _TITLES and "masked_accuracy" in line and None not in line.values():
                self._panel.held_out |= {_TITLES[line["kind"]]: (line["step"], line)}

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def advance(self, step: int) -> None:
        self._panel.step = step

    def training(self, step: int, values: dict[str, float]) -> None:
        json_lines.write("training", step=step, **values)
        self._panel.training = values
        if not self._is_live:
            self.say(
                f"step {step}/{self._panel.num_steps}  loss {values['loss']:.3f}  "
                f"masked {values['masked_accuracy']:.1%}  replaced {values['replaced_share']:.1%}  "
                f"{values['tokens_per_second']:,.0f} tokens/s"
                + (f"  skipped {values['skipped_steps']:,}" if values["skipped_steps"] else "")
                + f"  lr {values['learning_rate']:.2e}"
            )

    def evaluation(self, step: int, values: dict[str, float], kind: EvaluationKind) -> None:
        json_lines.write(kind, step=step, **values)
        self._panel.held_out |= {_TITLES[kind]: (step, values)}
        self.say(
            f"step {step}/{self._panel.num_steps}  {_TITLES[kind]}: masked accuracy {values['masked_accuracy']:.1%}"
            + "".join(
                f", {name.replace('_', ' ')} {value:.4f}" for name, value in values.items() if name.endswith("_loss")
            )
            + (
                f", AUC {values['auc']:.3f}, at threshold {values['best_threshold']:.2f} precision "
                f"{values['best_precision']:.1%}, recall {values['best_recall']:.1%}"
                if "auc" in values
                else ""
            )
        )

    def saved(self, step: int, folder: Path) -> None:
        json_lines.write("checkpoint", step=step, folder=str(folder))
        self._panel.checkpoint = step

    def health(self, step: int, summary: str, *, is_ill: bool, findings: Sequence[dict[str, Any]]) -> None:
        json_lines.write("health", step=step, summary=summary, is_ill=is_ill, findings=findings)
        self._panel.health, self._panel.is_ill = summary, is_ill
