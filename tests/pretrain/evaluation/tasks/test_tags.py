"""Sentences are cut into parts, and every word has one tag."""

from __future__ import annotations

from pathlib import Path

import torch

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.tags import TagReader
from tests.pretrain.evaluation.tasks.toy import tags, task


def test_every_word_has_one_tag_and_padding_is_ignored(backbone: Backbone, tmp_path: Path) -> None:
    toy = read_task(task(tmp_path, tags))
    reader = TagReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ("length=12",)))
    parts = reader.features(toy.held_out)
    assert sum(label >= 0 for part in parts for label in part.labels["labels"]) == 16 * len(toy.held_out)
    batch = collate(parts[:2], backbone.pad, torch.device("cpu"))
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()
