"""The fields of texts are recognised by their names, two texts before one."""

from __future__ import annotations

import pytest

from pretrain.evaluation.tasks.reading.fields import LABELS, TAGS, first_field, text_fields


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["label", "sentence2", "sentence1"], ("sentence1", "sentence2")),  # GLUE's MRPC
        (["idx", "sentence", "label"], ("sentence",)),  # GLUE's SST-2
        (["question", "sentence", "label"], ("question", "sentence")),  # GLUE's QNLI
        (["abst", "keyword", "label"], ("abst", "keyword")),  # CLUE's CSL
        (["text", "text_pair", "sentence1", "sentence2"], ("text", "text_pair")),
        (["premise", "label"], None),  # the second text is missing
        ([], None),
    ],
)
def test_text_fields(names: list[str], fields: tuple[str, ...] | None) -> None:
    assert text_fields(names) == fields
    assert text_fields(dict.fromkeys(names)) == fields


def test_the_first_name_of_several_counts() -> None:
    assert first_field({"pos_tags": 1, "ner_tags": 2}, TAGS) == "ner_tags"
    assert first_field({"labels": 1, "label": 0}, LABELS) == "label"
    assert first_field({"text": ""}, LABELS) is None
