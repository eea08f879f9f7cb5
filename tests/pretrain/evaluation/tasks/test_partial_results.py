"""Whatever stands in a file of results, it is taken over, or refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from pretrain.evaluation.tasks.metric_names import metric_names
from pretrain.evaluation.tasks.partial_results import PartialResults
from pretrain.evaluation.tasks.reading.task import LabelledExample, Task
from pretrain.evaluation.tasks.results import TaskResult
from pretrain.evaluation.tasks.settings import settings_for
from tests.fuzz import changed, cut_and_flipped

EXAMPLES = [LabelledExample("a", None, (), label) for label in "xy"]
TASK = Task("toy", "classes", EXAMPLES, EXAMPLES, "dev", ("x", "y"))


def result(*values: float) -> TaskResult:
    seeds = [dict.fromkeys(metric_names(TASK), value) for value in values]
    return TaskResult(TASK, "f1", {"model": settings_for(TASK, 256, 512, ())}, {"model": "0"}, {"model": seeds})


def written(folder: Path) -> Any:
    PartialResults(folder / "scores.json").save([result(0.5, 1 / 3)], 3)
    return json.loads((folder / "scores.json.partial").read_text())


def test_what_is_kept_is_what_was_found(tmp_path: Path) -> None:
    written(tmp_path)
    begun, kept = result(), PartialResults(tmp_path / "scores.json")
    kept.restore([begun], 3)
    assert begun == result(0.5, 1 / 3)
    kept.finish([begun], 2)
    assert [file.name for file in tmp_path.iterdir()] == ["scores.json"]
    again = result()
    kept.restore([again], 2)
    assert again == begun


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    kept = PartialResults(None)
    kept.restore([result()], 2)
    kept.save([result(0.5)], 2)
    kept.finish([result(0.5)], 2)
    assert kept.remark() == "no result is saved; with --json FILE the same command would resume"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_damaged_or_edited(tmp_path: Path, data: st.DataObject) -> None:
    content = json.dumps(data.draw(changed(written(tmp_path))), default=str).encode()
    file = tmp_path / "scores.json.partial"
    file.write_bytes(data.draw(st.just(content) | cut_and_flipped(content)))
    begun = result()
    try:
        PartialResults(tmp_path / "scores.json").restore([begun], 3)
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert all(isinstance(value, float) for scores in begun.seeds["model"] for value in scores.values())
