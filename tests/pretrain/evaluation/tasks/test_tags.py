"""Sentences are cut into parts, and every word has one tag."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import LabelledExample, Tags
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.tags import TagReader
from tests.pretrain.evaluation.tasks.toy import tags, task, task_of


def test_every_word_has_one_tag_and_padding_is_ignored(backbone: Backbone, tmp_path: Path) -> None:
    toy = read_task(task(tmp_path, tags))
    reader = TagReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ("length=12",)))
    parts = reader.features(toy.held_out)
    assert sum(label >= 0 for part in parts for label in part.labels["labels"]) == 16 * len(toy.held_out)
    batch = collate(parts[:2], backbone.pad, torch.device("cpu"))
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


@pytest.mark.parametrize(
    ("words", "tags", "f1"),
    [
        (("new", " ", "york"), ("B-LOC", "I-LOC", "I-LOC"), "f1"),
        (("new", " ", "york"), ("B-LOC", "O", "B-LOC"), "f1"),
        (("new", " ", " ", "york", "city"), ("B-LOC", "I-LOC", "I-LOC", "I-LOC", "I-LOC"), "f1"),
        (("new", " ", "york"), ("B-LOC", "O", "B-PER"), "f1"),
        ((" ", "new"), ("O", "B-LOC"), "f1"),
        (("the", "\u200b", "cat"), ("DET", "NOUN", "NOUN"), "macro_f1"),
    ],
)
def test_a_word_without_a_token_costs_no_score(
    backbone: Backbone, words: tuple[str, ...], tags: tuple[str, ...], f1: str
) -> None:
    """With logits that are right everywhere. A blank within an entity belongs to it."""
    example = LabelledExample("", None, words, Tags(tags))
    toy = replace(
        task_of(Tags(tags)),
        train=[example],
        held_out=[example],
        labels=tuple(sorted({*tags, "O"} if f1 == "f1" else {*tags})),
    )
    reader = TagReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ()))
    features = reader.features([example])
    outputs = [
        np.eye(len(toy.labels), dtype=np.float32)[np.maximum(feature.labels["labels"], 0)] for feature in features
    ]
    scores = reader.score([example], features, outputs)
    assert scores[f1] == scores["accuracy" if f1 == "macro_f1" else "recall"] == 1
