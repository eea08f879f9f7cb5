"""Whatever stands in a file of results, it is taken over, or refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from pretrain.evaluation.tasks.metrics import names_of
from pretrain.evaluation.tasks.partial_results import Kept
from pretrain.evaluation.tasks.results import Result
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.task import Example, Task
from tests.fuzz import changed, cut_and_flipped

EXAMPLES = [Example("a", None, (), label) for label in "xy"]
TASK = Task("toy", "classes", EXAMPLES, EXAMPLES, "dev", ("x", "y"))


def result(*values: float) -> Result:
    seeds = [dict.fromkeys(names_of(TASK), value) for value in values]
    return Result(TASK, "f1", {"model": settings_for(TASK, 256, 512, ())}, {"model": "0"}, {"model": seeds})


def written(folder: Path) -> Any:
    Kept(folder / "scores.json").keep([result(0.5, 1 / 3)], 3)
    return json.loads((folder / "scores.json.partial").read_text())


def test_what_is_kept_is_what_was_found(tmp_path: Path) -> None:
    written(tmp_path)
    begun, kept = result(), Kept(tmp_path / "scores.json")
    kept.take_over([begun], 3)
    assert begun == result(0.5, 1 / 3)
    kept.finish([begun], 2)
    assert [file.name for file in tmp_path.iterdir()] == ["scores.json"]
    again = result()
    kept.take_over([again], 2)
    assert again == begun


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    kept = Kept(None)
    kept.take_over([result()], 2)
    kept.keep([result(0.5)], 2)
    kept.finish([result(0.5)], 2)
    assert kept.remark() == "nothing is kept; with --json FILE the same command would go on"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_damaged_or_edited(tmp_path: Path, data: st.DataObject) -> None:
    content = json.dumps(data.draw(changed(written(tmp_path))), default=str).encode()
    file = tmp_path / "scores.json.partial"
    file.write_bytes(data.draw(st.just(content) | cut_and_flipped(content)))
    begun = result()
    try:
        Kept(tmp_path / "scores.json").take_over([begun], 3)
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert all(isinstance(value, float) for found in begun.seeds["model"] for value in found.values())
