"""Whatever stands in a file of a task, it is read, or refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from pretrain.evaluation.tasks.metric_names import metric_names
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import Answers, Choice, LabelSet, Relations, Tags, Task, Terms
from tests.fuzz import changed, cut_and_flipped
from tests.pretrain.evaluation.tasks.reading.test_folders import C3, JSON, squad

QUESTION = {"id": "1", "question": "a", "answers": [{"text": "b", "answer_start": 0}]}
KINDS = ("csl", "CLUEWSC2020", "tags", "cluener", "CMeEE", "CMeIE", "ours, choices", "ours, questions")
FILES: dict[str, Any] = {name: [JSON[name][0]] * 2 for name in KINDS}
FILES |= {"SQuAD": squad("b", QUESTION, QUESTION | {"answers": []}), "C3": C3}
FILES["several labels"] = [{"text": "a", "labels": ["x", "y"]}, {"text": "b", "labels": ["x"]}]
FILES["numbers"] = [{"text": "a", "label": "1.5"}, {"text": "b", "label": 2}]
FILES["questions of datasets"] = [{**QUESTION, "context": "b", "answers": {"text": ["b"], "answer_start": [0]}}] * 2
FILES["numbered tags"] = [{"tokens": ["a", "b"], "ner_tags": [1, 2]}, {"tokens": ["a", "b"], "ner_tags": [0, 1]}]
FILES["CHID"] = {"candidates": ["a", "b"], "content": ["c#idiom1#"]}


def texts(task: Task) -> list[Any]:
    """Everything that a tokenizer will see, and every label."""
    strings: list[Any] = [*task.labels]
    for example in (*task.train, *task.held_out):
        strings += [example.text, "" if example.pair is None else example.pair, *example.words]
        match example.target:
            case Tags(inner) | Terms(inner) | LabelSet(inner) | Choice(inner):
                strings += inner
            case Answers(answers):
                strings += [answer.text for answer in answers]
            case Relations(relations):
                strings += [text for one in relations for text in (one.subject, one.kind, one.object)]
    return strings


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_of_a_task(name: str, tmp_path: Path, data: st.DataObject) -> None:
    whole = FILES[name]
    (tmp_path / "dev.json").write_text(json.dumps(whole))
    (tmp_path / "dev_answer.json").write_text('{"#idiom1#": 0}')
    content = json.dumps(
        data.draw(changed({"here": whole})).get("here") if data.draw(st.booleans()) else whole, default=str
    )
    (tmp_path / "train.json").write_bytes(data.draw(st.just(content.encode()) | cut_and_flipped(content.encode())))
    answers = data.draw(st.just({"#idiom1#": 1}) | changed({"#idiom1#": 1}))
    (tmp_path / "train_answer.json").write_text(json.dumps(answers, default=str))
    try:
        task = read_task(tmp_path)
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert all(isinstance(text, str) for text in texts(task))
    assert task.fingerprint and metric_names(task)
