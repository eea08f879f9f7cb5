"""The record of a run is read from its folder; its axes and problems by hand are in test_report.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load
from pretrain.watch.history import History, read_history
from tests.trained import run as run


def _history(*lines: dict, starts: list[dict] | None = None) -> History:
    return History(Path("运行"), load("tiny"), starts or [], list(lines))


def _trained(step: int, **values: float | None) -> dict:
    return {"kind": "training", "step": step, **values}


def test_a_run_is_read_from_its_folder(run: Path) -> None:
    history = read_history(run)
    assert (history.last_step, history.skipped_steps, history.name) == (12, 0, str(run))
    assert [line["step"] for line in history.training] == list(range(1, 13))
    assert [line["step"] for line in history.evaluations("evaluation")] == [6, 12]
    assert history.evaluations("general") == []


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no run; name a folder that `electra pretrain --run` made"):
        read_history(tmp_path)
    for name in ("recipe.toml", "provenance.json"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"has logged nothing yet, so there is nothing to report"):
        read_history(tmp_path)


def test_a_median_leaves_out_what_is_not_finite() -> None:
    history = _history(_trained(1, loss=100.0), _trained(2, loss=None), _trained(3, loss=3.0), _trained(4, loss=5.0))
    assert history.median("loss") == 5.0
    assert history.median("mfu") is None and _history().median("loss") is None


def test_the_skipped_steps_are_those_of_the_last_line() -> None:
    assert _history(_trained(1, skipped_steps=0), _trained(2, skipped_steps=3)).skipped_steps == 3
    assert (_history().skipped_steps, _history().last_step) == (0, 0)


def test_each_command_is_named_once_and_can_be_typed() -> None:
    first, second = ["/x/__main__.py", "pretrain", "my run"], ["y", "pretrain", "运行"]
    starts = [{"command": command} for command in (first, second, first)]
    assert _history(starts=starts).commands == ["electra pretrain 'my run'", "electra pretrain '运行'"]


def test_nothing_was_done_before_the_first_line() -> None:
    assert _history().position([0, 5], "tokens") == [0, 0]
    assert _history().position([0, 5], "step") == [0, 5]
