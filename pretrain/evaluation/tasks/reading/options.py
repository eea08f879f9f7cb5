"""The two keys by which a user overrides decisions that are made while a task is read."""

from __future__ import annotations

from typing import Literal

from configs.schema import Table


class ReadingOptions(Table):
    # what the labels of texts are; "auto" decides by their values
    kind: Literal["auto", "classes", "multilabel", "number"] = "auto"
    # the label that stands for an unknown label; "auto" recognises the usual marks, "none" takes every label as it is
    missing_label: str | int | float = "auto"
