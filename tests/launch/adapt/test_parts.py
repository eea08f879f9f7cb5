"""The commands of the parts, whole, for every kind of order; each is a command that `electra` takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from configs.common.errors import UserError
from launch.adapt.order import Order
from launch.adapt.parts import Part, parts_of
from launch.cli import app


def parts(tests_with_model: bool = True, detects: bool = True, **options: Any) -> list[Part]:
    order = Order(model="model", text=("my text/",), out=Path("out"), **options)
    return parts_of(order, tests_with_model=tests_with_model, detects=detects)


def commands(**options: Any) -> dict[str, str]:
    return {part.name: part.command for part in parts(**options)}


def test_the_fewest_parts() -> None:
    assert commands() == {
        "domain": "electra prepare adapt --out out/domain 'data.sources=my text/' --init-from model",
        "before": "electra evaluate model --corpus out/domain --rows 1000 --json out/scores/before.json "
        "--tokens out/scores/before-tokens.jsonl",
        "pretrain": "electra pretrain adapt --corpus out/domain --run out/run --init-from model",
        "after": "electra evaluate out/run --generator model --corpus out/domain --rows 1000 "
        "--json out/scores/after.json --tokens out/scores/after-tokens.jsonl",
        "own": "electra evaluate out/run --corpus out/domain --rows 1000 --json out/scores/own.json",
        "export": "electra export out/run --out out/models",
    }


def test_all_parts() -> None:
    command_lines = commands(
        overrides=("seed=3", "data.row_length=128", "vocabulary.extend=9", "schedule.steps=50"),
        general="web/",
        mix=0.2,
        tasks=(Path("tasks/ner"), Path("tasks/pairs")),
        task_keys=("epochs=2",),
        rows=20,
        seeds=3,
    )
    names = ["domain", "general", "mixture", "before", "pretrain", "after", "own", "task ner", "task pairs", "export"]
    assert list(command_lines) == names
    shared = "seed=3 data.row_length=128"
    assert command_lines["domain"] == (
        f"electra prepare adapt --out out/domain 'data.sources=my text/' {shared} vocabulary.extend=9 --init-from model"
    )
    assert command_lines["general"] == (
        f"electra prepare adapt --out out/general data.sources=web/ {shared} vocabulary.extend=0 --init-from out/domain"
    )
    assert shlex.split(command_lines["mixture"])[5:] == [
        'data.sources=[{path="my text/"}, {path="web/", weight=0.2}]',
        *shared.split(),
        "vocabulary.extend=0",
        "--init-from",
        "out/domain",
    ]
    assert command_lines["pretrain"] == (
        "electra pretrain adapt --corpus out/mixture --run out/run --init-from model --general out/general seed=3 "
        "schedule.steps=50"
    )
    assert command_lines["task ner"] == (
        "electra evaluate out/run --task tasks/ner --against model --seeds 3 --json out/tasks/ner.json epochs=2"
    )
    assert "--corpus out/domain --corpus out/general --rows 20" in command_lines["after"]


def test_a_model_without_a_generator_is_tested_by_that_of_the_run_after_it() -> None:
    command_lines = commands(tests_with_model=False)
    assert list(command_lines) == ["domain", "pretrain", "before", "after", "export"]
    assert command_lines["before"].startswith("electra evaluate model --generator out/run --corpus out/domain")
    assert command_lines["after"].startswith("electra evaluate out/run --corpus out/domain")


def test_a_model_that_detects_nothing_writes_no_tokens() -> None:
    command_lines = commands(tests_with_model=False, detects=False)
    assert "--tokens" not in command_lines["before"]
    assert "--tokens" in command_lines["after"]


def test_a_prepared_general_corpus_is_used_as_it_is(corpus_folder: Path) -> None:
    command_lines = commands(general=str(corpus_folder))
    assert "general" not in command_lines
    assert f"--general {corpus_folder}" in command_lines["pretrain"]
    assert f"--corpus out/domain --corpus {corpus_folder}" in command_lines["before"]


def test_several_texts_and_tables_of_sources() -> None:
    order = Order(model="m", text=("a b/", '[{path="c/", licence="CC0", weight=2.0}]'), out=Path("out"))
    assert order.domain_sources() == 'data.sources=[{path="a b/"}, {path="c/", licence="CC0", weight=2.0}]'
    mixed = Order(model="m", text=("a/",), out=Path("out"), general='[{path="c/", weight=2.0}]', mix=0.1)
    assert mixed.mixture_sources() == 'data.sources=[{path="a/"}, {path="c/", weight=0.2}]'


def test_sources_are_refused_among_the_overrides() -> None:
    with pytest.raises(UserError, match=r"data\.sources: --text and --general name the text here"):
        Order(model="m", text=("a/",), out=Path("out"), overrides=("data.sources=b/",)).refuse_sources()


def test_every_part_is_a_command_of_electra() -> None:
    command: Any = typer.main.get_command(app)
    every = parts(general="web/", mix=0.2, tasks=(Path("task"),)) + parts(tests_with_model=False, detects=False)
    for part in every:
        name, *words = part.arguments
        command.commands[name].make_context(name, words)


def test_parts_name_what_they_read() -> None:
    """A part is made again when one of these is."""
    needs = {part.name: set(part.needs) for part in parts(general="web/", mix=0.2, overrides=("vocabulary.extend=5",))}
    assert needs == {
        "domain": set(),
        "general": {"domain"},
        "mixture": {"domain"},
        "before": {"domain", "general"},
        "pretrain": {"mixture", "general"},
        "after": {"domain", "general", "pretrain"},
        "own": {"domain", "general", "pretrain"},
        "export": {"pretrain"},
    }
