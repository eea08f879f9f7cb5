"""Every value that a run measures has a tag of its own in one of the groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrain.run.logs import read_metrics
from pretrain.run.trackers.tags import TRAINING, Kind, tag_of
from tests.trained import run as run


@pytest.mark.parametrize(
    "kind, name, tag",
    [
        ("training", "loss", "loss/total"),
        ("training", "mts_loss", "loss/mts"),
        ("training", "gradient_norm", "optimizer/gradient_norm"),
        ("evaluation", "rtd_loss", "heldout/rtd_loss"),
        ("general", "auc", "general/auc"),
        ("average", "auc", "average/auc"),
    ],
)
def test_a_value_is_in_the_group_of_its_subject(kind: Kind, name: str, tag: str) -> None:
    assert tag_of(kind, name) == tag


def test_every_value_that_is_measured_has_a_tag_of_its_own(run: Path) -> None:
    names = {(line["kind"], name) for line in read_metrics(run) for name in line if name not in ("kind", "step")}
    assert {kind for kind, _ in names} == {"training", "evaluation"}
    assert len({tag_of(kind, name) for kind, name in names}) == len(names)


def test_the_table_names_only_values_that_are_measured(run: Path) -> None:
    logged = {name for line in read_metrics(run) if line["kind"] == "training" for name in line}
    assert logged >= TRAINING.keys()


def test_a_value_without_a_tag_is_a_mistake_in_the_table() -> None:
    with pytest.raises(AssertionError, match="surprise has no tag"):
        tag_of("training", "surprise")
