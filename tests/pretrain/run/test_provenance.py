"""What a start says of itself, and what it keeps to itself."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from configs.load import load
from configs.recipe import flatten
from pretrain.run.provenance import shown, start_of
from pretrain.step.world import World


def test_nothing_but_what_is_named_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "HF_TOKEN": "hf_AbCdEf", "MY_OWN": "opensesame"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["pretrain", "tiny", "data.sources=s3://me:opensesame@bucket/text", "--run", "r"])
    start = start_of(World(0, 1, torch.device("cpu"), None), torch.float32)
    assert set(start) == {
        "time", "command", "commit", "packages", "python", "machine", "device", "processes", "precision"
    }  # fmt: skip
    assert start["command"] == ["pretrain", "tiny", "data.sources=s3://bucket/text", "--run", "r"]
    written = json.dumps(start)
    assert not [value for pair in secrets.items() for value in pair if value in written]


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("data.sources=https://host/a.jsonl?sig=abc&se=1", "data.sources=https://host/a.jsonl"),
        ('data.sources=["ftp://u:p@host/a", "b"]', 'data.sources=["ftp://host/a", "b"]'),
        ("deepspeed.comet.api_key=abc", "deepspeed.comet.api_key=..."),
        ("vocabulary.source=vocab.txt", "vocabulary.source=vocab.txt"),
        ("batch.rows=8", "batch.rows=8"),
        ("corruption={mask=0.85, random=0, keep=0.15}", "corruption={mask=0.85, random=0, keep=0.15}"),
    ],
)
def test_arguments(argument: str, written: str) -> None:
    assert shown(argument) == written


def test_no_key_of_a_recipe_is_taken_for_a_secret() -> None:
    for key in flatten(load("tiny").model_dump(mode="json")):
        assert shown(f"{key}=1") == f"{key}=1"
