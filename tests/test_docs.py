"""The documents are true: their commands exist, their links lead somewhere, and every folder is described."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest
import typer

from configs.common import chatter, json_lines
from configs.load import from_tables, load, read
from launch.cli import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Phrases that readers once had to decode, each with the phrase that is written instead.
_OLD_WORDS = {" anew": "again", "goes on from": "resumes from", "go on from": "continue from"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every `electra ...` line in the shell blocks and transcripts of a document."""
    for language, block in _FENCE.findall(text):
        if language in ("", "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.removeprefix("$ ").startswith("electra "):
                    yield shlex.split(line.removeprefix("$ "), comments=True)[1:]


ALL_COMMANDS = [
    (_name(path), " ".join(map(shlex.quote, words))) for path in DOCUMENTS for words in commands(_text(path))
]


def _context(words: list[str]) -> Any:
    """Parse a command line with typer without running it; fail for an unknown command or option."""
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *words = dropwhile(lambda word: word in (json_lines.OPTION, chatter.OPTION), words)
        assert name in command.commands, f"there is no command {name}"  # type: ignore[attr-defined]  a group
        command = command.commands[name]  # type: ignore[attr-defined]  likewise
    return command.make_context(command.name, list(words))


@pytest.mark.parametrize(("document", "line"), ALL_COMMANDS)
def test_every_command_exists(document: str, line: str) -> None:
    parameters = _context(shlex.split(line)).params
    if "recipe" in parameters:
        # A recipe that continues from a model takes shape and vocabulary from it.
        released = {name: load("base").to_dict()[name] for name in ("model", "vocabulary")}
        released["vocabulary"]["source"] = "vocab.txt"
        tables = (
            released if parameters.get("init_from") or parameters.get("text") else None
        )  # `electra adapt` has --text
        # On the pages, mine.toml is a recipe of the reader's own that extends `small`.
        recipe = parameters["recipe"].replace("mine.toml", "small")
        from_tables(read(recipe, parameters["overrides"] or (), tables), line)


def test_every_command_is_documented() -> None:
    documented = set(re.findall(r"electra (\w+)", "".join(map(_text, DOCUMENTS))))
    assert documented >= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  a group


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", _text(path))):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in anchors(_text(target)), f"{link}: there is no such heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_words_are_plain(path: Path) -> None:
    text = " ".join(_text(path).split())
    for words, better in _OLD_WORDS.items():
        assert words not in text, f"write {better!r} instead of {words!r}"


def test_the_architecture_names_every_folder() -> None:
    tree = _text(ROOT / "ARCHITECTURE.md")
    for room in ("configs", "data_prep", "pretrain", "launch"):
        for package in (ROOT / room).rglob("__init__.py"):
            assert f"{package.parent.name}/" in tree, f"name {package.parent} in the tree of ARCHITECTURE.md"


def _strings() -> Iterator[str]:
    """Yield every string in the code, without the values in f-strings."""
    for path in (
        path for room in ("configs", "data_prep", "pretrain", "launch") for path in (ROOT / room).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(_text(path))):
            if isinstance(node, ast.JoinedStr):
                yield "\0".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_messages_explained_are_those_of_the_code() -> None:
    strings = "\n".join(_strings())
    rows = re.findall(r"^\| (`.*?) \|", _text(ROOT / "docs" / "troubleshooting.md"), flags=re.MULTILINE)
    for message in (message for row in rows for message in re.findall("`([^`]+)`", row)):
        for part in filter(None, map(str.strip, message.split("..."))):
            assert part in strings, f"docs/troubleshooting.md explains {message!r}"
