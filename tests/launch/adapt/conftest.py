"""One small adaptation whose parts have all been done in this process, and the inputs of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.load import read
from data_prep.shards import Corpus
from launch.adapt.checks import Checked, check
from launch.adapt.order import Order
from launch.adapt.parts import Part, parts_of
from launch.adapt.record import Record
from launch.cli import app
from pretrain.released.adaptation import recipe_and_weights
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import documents
from tests.released import release

OVERRIDES = (
    "data.row_length=32",
    "data.validation_share=0.1",
    "masking.maskings=2",
    "vocabulary.extend=5",
    "schedule.steps=6",
    "schedule.warmup_steps=1",
    "optimizer.learning_rate=1e-3",
    "compute.precision=fp32",
    "batch.rows=8",
    "batch.micro_rows=8",
    "run.log_every=2",
    "run.evaluate_every=3",
    "run.evaluate_rows=16",
    "run.save_every=3",
)


@pytest.fixture(scope="session")
def released_model(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released-model")
    release(folder, corpus_folder / "vocab.txt")
    return folder / "x-discriminator"


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `domain.txt`, `general.txt`, and the task `kinds`."""
    folder = tmp_path_factory.mktemp("inputs")
    pages = documents(24)
    (folder / "domain.txt").write_text("\n\n".join(pages[:12]), encoding="utf-8")
    (folder / "general.txt").write_text("\n\n".join(pages[12:]), encoding="utf-8")
    (folder / "kinds").mkdir()
    for name, number in (("train", 12), ("dev", 8)):
        records = ({"text": pages[n % 24][:80], "label": f"kind {n % 2}"} for n in range(number))
        (folder / "kinds" / f"{name}.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def order(released_model: Path, inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Order:
    return Order(
        model=str(released_model),
        text=(f'[{{path="{inputs / "domain.txt"}", licence="PSF <2>"}}]',),
        out=tmp_path_factory.mktemp("adapted") / "out",
        overrides=OVERRIDES,
        general=str(inputs / "general.txt"),
        tasks=(inputs / "kinds",),
        rows=20,
        seeds=2,
        task_keys=("epochs=1", "length=32"),
    )


@pytest.fixture(scope="session")
def checked(order: Order) -> Checked:
    return check(order)


@pytest.fixture(scope="session")
def parts(order: Order, checked: Checked) -> list[Part]:
    return parts_of(order, tests_with_model=checked.tests_with_model, detects=checked.detects)


@pytest.fixture(scope="session")
def record(order: Order, parts: list[Part], world: World) -> Record:
    """Do every part here, because starting a process for each would take half a minute."""
    record = Record(order.out)
    for part in parts:
        record.begin(part)
        if part.name == "pretrain":
            _pretrain(order, world)
        else:
            answer = CliRunner().invoke(app, list(part.arguments))
            assert answer.exit_code == 0, answer.output
        record.finish(part, 3.0)
    return record


def _pretrain(order: Order, world: World) -> None:
    """Train as the command does, but with the processes of the tests, which may be joined only once."""
    corpus, general = Corpus(order.domain_corpus), Corpus(order.general_corpus or Path())
    tables = read(order.recipe, order.training_overrides())
    tables |= {"data": corpus.data.model_dump(mode="json"), "masking": corpus.masking.model_dump(mode="json")}
    recipe, weights = recipe_and_weights(tables, order.recipe, order.model, corpus, order.run)
    assert train(recipe, corpus, order.run, world, "auto", initial_weights=weights, general=general)
