"""Compare the Dockerfile with the repository, since the image cannot be built where there is no Docker."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LINES = [line for line in (ROOT / "launch/Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def arguments(instruction: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in LINES if line.startswith(f"{instruction} ")]


def copied() -> list[str]:
    return [source for *sources, _ in arguments("COPY") for source in sources]


def test_what_is_copied_is_there_and_is_all_of_the_package() -> None:
    assert all((ROOT / source).exists() for source in copied())
    packages = {name for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"] if "*" not in name}
    assert packages | {"pyproject.toml", PROJECT["project"]["readme"], "constraints.txt"} == set(copied())


def test_nothing_else_is_sent_to_the_builder() -> None:
    ignored = (ROOT / "launch/Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied()) and "*" in ignored


def test_everything_is_installed_in_the_versions_of_the_tests() -> None:
    installs = [words for words in arguments("RUN") if words[:2] == ["pip", "install"]]
    assert len(installs) == len(arguments("RUN"))
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    for words in installs:
        assert words[words.index("--constraint") + 1] == "constraints.txt"
        package = words[-1]
        extra = re.fullmatch(r"\.\[(\w+)\]", package)
        assert package in pinned or (extra and extra[1] in PROJECT["project"]["optional-dependencies"])


def test_its_python_is_one_that_the_package_takes() -> None:
    [[base]] = arguments("FROM")
    version = re.match(r"python:3\.(\d+)-", base)
    assert version and int(version[1]) >= int(PROJECT["project"]["requires-python"].removeprefix(">=3."))


def test_it_runs_the_command_of_the_package() -> None:
    [[command, *_]] = [[word.strip("[],") for word in words] for words in arguments("CMD")]
    assert command in PROJECT["project"]["scripts"]
