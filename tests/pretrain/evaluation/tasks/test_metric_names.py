"""The metric that a task is judged by."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.metric_names import main_metric


def test_what_a_task_is_judged_by() -> None:
    metrics = ["accuracy", "matthews", "f1"]
    assert [main_metric(name, metrics) for name in ("CoLA", "mine", "MRPC")] == ["matthews", "accuracy", "f1"]
    assert main_metric("mine", metrics, "f1") == "f1"
    with pytest.raises(UserError, match="metric: 'bleu' is not measured for mine; there are accuracy, matthews, f1"):
        main_metric("mine", metrics, "bleu")
