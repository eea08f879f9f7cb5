"""A track of a few pages of text and two small tasks, with a recipe that trains in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli_w

from benchmarks.records.entries import read_levers
from benchmarks.records.runs import Bench
from benchmarks.records.track import hashes, read_track
from configs.common.files import sha256_of
from configs.load import assignments, load
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from tests.conftest import SMALL

LEVERS = """
seeds = [1, 2]
judge_seed = 9

[reference]
lengths = [1.0, 0.5]
shares = { schedule.warmup_steps = 0.25 }

[levers.mean]
about = "the moving average of the weights, with half of the rows in a step"
lengths = [0.5]
keys = { optimizer.average_decay = 0.9, batch.rows = 4, batch.micro_rows = 4 }
weights = "average"

[levers.masks]
about = "a quarter of the tokens is masked"
lengths = [0.5]
corpus = { masking.rate = 0.25 }
"""


@pytest.fixture(scope="session")
def bench(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a benchmark of which nothing has been measured."""
    folder = tmp_path_factory.mktemp("record")
    tasks = {name: _task(folder / "tasks" / name) for name in ("topic", "length")}
    recipe = {"extends": "tiny", **assignments(SMALL)}
    (folder / "small.toml").write_text(tomli_w.dumps(recipe))
    (folder / "levers.toml").write_text(LEVERS)
    track = {
        "about": "pages of Python's reference",
        "text": {text_file.name: sha256_of(text_file)},
        "corpus": {},
        "rows": _rows(folder / "small.toml", text_file, folder / "corpus"),
        "judged_rows": 8,
        "tasks": tasks,
        "fine_tuning": {"epochs": 1, "length": 16, "bias_correction": True},
    }
    (folder / "track.toml").write_text(tomli_w.dumps(track))
    return Bench(
        read_track(str(folder / "track.toml"), text_file.parent, folder / "tasks"),
        str(folder / "small.toml"),
        read_levers(folder / "levers.toml"),
        folder / "out",
    )


def _task(folder: Path) -> dict[str, str]:
    """Write a task of classification, and return the sha256 of its files."""
    folder.mkdir(parents=True)
    for name, number in (("train", 24), ("dev", 8)):
        examples = [{"text": ("a list " if each % 2 else "a class ") * 3, "label": each % 2} for each in range(number)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(example) + "\n" for example in examples))
    return {file.name: sha256_of(file) for file in sorted(folder.iterdir())}


def _rows(recipe: Path, text: Path, corpus: Path) -> dict[str, str]:
    prepare(load(str(recipe), [f"data.sources={text}"]), corpus, workers=1)
    return hashes(Corpus(corpus))
