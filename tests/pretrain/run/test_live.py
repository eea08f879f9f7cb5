"""The panel of a run on a real terminal: wide and narrow, with and without colours, interrupted and redirected."""

from __future__ import annotations

import json
import signal
from io import StringIO

import pytest
from rich.console import Console

from configs.load import load
from pretrain.run.live import Panel, short_scores

pytest.importorskip("pyte")

from tests.terminal import Shown, Terminal

PROGRAM = r"""
import sys
from contextlib import nullcontext
from pathlib import Path
from configs.common import json_lines
from pretrain.run.display import Display
from pretrain.run.live import Panel
from pretrain.run.signals import StopOnSignal

trained = {"loss": 2.0, "mlm_loss": 1.5, "masked_accuracy": 0.25, "replaced_share": 0.125, "tokens_per_second": 1500.0,
    "skipped_steps": 0, "learning_rate": 5e-4, "data_wait_share": 0.01, "rows_per_second": 16.0}
scores = {"mlm_loss": 3.5, "rtd_loss": 0.375, "masked_accuracy": 0.5, "auc": 0.75,
    "best_threshold": 0.25, "best_precision": 0.5, "best_recall": 0.125}
with json_lines.on_stdout() if "json" in sys.argv else nullcontext(), StopOnSignal() as stop:
    panel = Panel("tiny: run", 1000, lambda steps: 8 * steps, 400, stop.asked, checkpoint=400)
    with Display(panel) as display:
        display.say("resuming after step 400")
        for step in (401, 500):
            display.advance(step)
            display.training(step, trained)
        display.evaluation(500, scores, "evaluation")
        display.saved(500, Path("run/checkpoints/step-00000500"))
        display.health(500, "healthy at step 500", is_ill=False, findings=[])
        print("a warning of a library", file=sys.stderr)
        if "wait" in sys.argv:
            print("waiting", file=sys.stderr)
            while not stop.asked():
                pass
        if "stubborn" in sys.argv:
            stop._asked_at -= 10  # as if the second request came ten seconds later
            print("asked to stop", file=sys.stderr)
            while True:
                pass
        if "fail" in sys.argv:
            raise SystemExit(3)
        display.say("the end")
"""
SCORES_LINE = (
    "step 500/1000  held out: masked accuracy 50.0%, mlm loss 3.5000, rtd loss 0.3750, AUC 0.750, at threshold 0.25 "
    "precision 50.0%, recall 12.5%"
)
PLAIN = [
    "resuming after step 400",
    "step 401/1000  loss 2.000  masked 25.0%  replaced 12.5%  1,500 tokens/s  lr 5.00e-04",
    "step 500/1000  loss 2.000  masked 25.0%  replaced 12.5%  1,500 tokens/s  lr 5.00e-04",
    SCORES_LINE,
    "a warning of a library",
    "the end",
]


def show(*words: str, columns: int = 150, redirected: bool = False, **environment: str) -> Shown:
    terminal = Terminal("-c", PROGRAM, *words, columns=columns, environment=environment, redirected=redirected)
    return terminal.finish()


def shows_a_panel(shown: Shown) -> bool:
    return any(line.startswith("checkpoint") for line in shown.lines())


def test_a_wide_terminal() -> None:
    shown = show()
    above, bar, facts = shown.lines()[:5], shown.lines()[5], shown.lines()[6:]
    assert above == ["resuming after step 400", SCORES_LINE, "a warning of a library", "the end", "tiny: run"]
    # 500 steps of 8 rows remain, at 16 rows a second.
    assert bar.startswith("━") and bar.endswith("step 500/1,000  0:04:10 left")
    assert facts == [
        "training    loss 2.000, mlm loss 1.500, masked 25.0%, replaced 12.5%, learning rate 5.00e-04",
        "speed       1,500 tokens/s, 1.0% of the time waiting for data",
        "held out    AUC 0.750, masked accuracy 50.0%, mlm loss 3.500, rtd loss 0.375 (step 500)",
        "checkpoint  step 500",
        "health      healthy at step 500",
    ]


def test_a_narrow_terminal() -> None:
    shown = show(columns=60)
    assert all(len(line) <= 60 for line in shown.lines())
    panel = shown.lines()[shown.lines().index("tiny: run") :]
    assert panel[1].endswith("step 500/1,000  0:04:10 left") and panel[1].startswith("━")
    assert " ".join(" ".join(panel[2:]).split()) == (
        "training loss 2.000, mlm loss 1.500, masked 25.0%, replaced 12.5%, learning rate 5.00e-04 "
        "speed 1,500 tokens/s, 1.0% of the time waiting for data "
        "held out AUC 0.750, masked accuracy 50.0%, mlm loss 3.500, rtd loss 0.375 (step 500) "
        "checkpoint step 500 health healthy at step 500"
    )
    # The panel is drawn over the earlier drawings of itself.
    assert sum(line == "tiny: run" for line in shown.lines()) == 1


def test_colours_are_a_choice() -> None:
    assert b"\x1b[32mhealthy" in show().printed
    without = show(NO_COLOR="1")
    assert b"\x1b[3" not in without.printed
    # Without colours, rich leaves the rest of the bar empty.
    assert [line for line in without.lines() if line[0] != "━"] == [line for line in show().lines() if line[0] != "━"]


def test_plain_lines_on_a_terminal_that_cannot_move_its_cursor() -> None:
    shown = show(TERM="dumb")
    assert shown.lines() == PLAIN and b"\x1b" not in shown.printed


def test_plain_lines_in_a_file_even_if_colours_are_forced() -> None:
    shown = show(redirected=True, FORCE_COLOR="1")
    assert shown.stdout.decode().splitlines() == [line for line in PLAIN if "warning" not in line]
    assert shown.lines() == ["a warning of a library"]


def test_lines_for_scripts_leave_the_terminal_to_the_panel() -> None:
    shown = show("json", redirected=True)
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(line["kind"], line["step"]) for line in lines] == [
        ("training", 401),
        ("training", 500),
        ("evaluation", 500),
        ("checkpoint", 500),
        ("health", 500),
    ]
    assert shows_a_panel(shown)


def test_lines_for_scripts_on_a_terminal_leave_no_place_for_the_panel() -> None:
    shown = show("json")
    assert not shows_a_panel(shown) and b"\x1b" not in shown.printed
    lines = [json.loads(line) for line in shown.printed.splitlines() if line.startswith(b"{")]
    assert len(lines) == 5


def test_ctrl_c_twice_ends_at_once_on_a_new_line() -> None:
    terminal = Terminal("-c", PROGRAM, "wait", "stubborn")
    terminal.read_until("waiting")
    terminal.type(b"\x03")
    terminal.read_until("asked to stop")
    terminal.type(b"\x03")
    shown = terminal.finish()
    assert shown.exit_code == 128 + signal.SIGINT
    assert not shown.screen.cursor.hidden and shown.screen.cursor.x == 0


def test_ctrl_c_is_acknowledged_in_the_panel_and_leaves_the_terminal_as_it_was() -> None:
    terminal = Terminal("-c", PROGRAM, "wait")
    terminal.read_until("waiting")
    terminal.type(b"\x03")
    shown = terminal.finish()
    assert shown.exit_code == 0
    assert shown.lines()[-1].strip() == "stopped; the same command resumes"
    assert sum(line == "tiny: run" for line in shown.lines()) == 1
    assert not shown.screen.cursor.hidden


@pytest.mark.parametrize("word", ["fail", "wait"])
def test_the_cursor_is_visible_however_a_run_ends(word: str) -> None:
    terminal = Terminal("-c", PROGRAM, word)
    if word == "wait":
        terminal.read_until("waiting")
        terminal._process.kill()
    shown = terminal.finish()
    assert shown.exit_code == (3 if word == "fail" else -signal.SIGKILL)
    assert not shown.screen.cursor.hidden


def drawn(panel: Panel) -> str:
    console = Console(width=76, record=True, file=StringIO())
    console.print(panel)
    return console.export_text()


def test_the_first_drawing_has_no_values_yet() -> None:
    text = drawn(Panel("tiny: run", 1000, lambda steps: 8 * steps, 0))
    assert "step 0/1,000  -:--:-- left" in text and "checkpoint  none yet" in text and "health" not in text


def test_a_request_to_stop_is_drawn() -> None:
    panel = Panel("run", 9, lambda steps: 8 * steps, 0, lambda: True)
    assert "stopping after this step; Ctrl-C once more ends at once" in drawn(panel)


def test_a_long_title_is_cut() -> None:
    assert drawn(Panel("tiny: " + 100 * "r", 9, lambda steps: 8 * steps, 0)).startswith("tiny: " + 69 * "r" + "…\n")


TRAINED = {
    "loss": float("nan"),
    "masked_accuracy": 0.25,
    "replaced_share": 0.125,
    "tokens_per_second": 1500.0,
    "data_wait_share": 0.5,
    "skipped_steps": 2,
    "learning_rate": 5e-4,
}


def test_steps_that_were_skipped_are_shown_with_the_speed() -> None:
    text = " ".join(drawn(Panel("run", 9, lambda steps: 8 * steps, 1, training=TRAINED)).split())
    assert "loss nan" in text and "50.0% of the time waiting for data, skipped steps 2" in text


def test_scores_without_a_discriminator() -> None:
    assert short_scores({"masked_accuracy": 0.25, "mlm_loss": 3.5}) == "masked accuracy 25.0%, mlm loss 3.500"


def test_the_time_left_counts_the_rows_of_a_growing_batch() -> None:
    """The first five steps have 8 rows and the last five 16, so that 104 of 120 rows are left after two steps."""
    batch = load("tiny", ["batch.rows=16", "batch.rows_start=8", "batch.ramp_steps=5"]).batch
    text = drawn(Panel("run", 10, batch.rows_before, 2, training=TRAINED | {"rows_per_second": 2.0}))
    assert "step 2/10  0:00:52 left" in text
