"""The examples of docs/use run in order, and print what their pages show."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from docs.examples import PAGES, run_page
from pretrain.export.folder import export
from tests.trained import run as run


@pytest.fixture(scope="module")
def models(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "models"
    export(str(run), folder)
    return folder


def words(output: str) -> list[str]:
    """Return the lines of an output without numbers and spaces, which depend on the model."""
    return [re.sub(r"[\d\s.,-]+", "", line) for line in output.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_print_what_it_shows(page: Path, models: Path, tmp_path: Path) -> None:
    """The outputs on the page come from larger models, so of most of them only the number of lines is compared."""
    shutil.copytree(models, tmp_path / "models")
    examples = [*run_page(page.read_text(encoding="utf-8"), tmp_path)]
    assert any(example.shown for example in examples)
    for example in examples:
        if example.shown is None:
            assert not example.printed, "the page leaves out an output"
        elif example.same_words:
            assert words(example.printed) == words(example.shown)
        else:
            assert len(example.printed.splitlines()) == len(example.shown.splitlines()), example.printed
