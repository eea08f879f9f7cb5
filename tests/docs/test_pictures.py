"""The pictures of README.md: small files without outside resources, made from commands and pages."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest

from docs.pictures import browser, draw_page, draw_panel, served
from pretrain.run.logs import read_metrics
from pretrain.watch.history import read_history
from tests.trained import run as run

ROOT = Path(__file__).parents[2]
IMAGES = sorted((ROOT / "docs" / "images").iterdir())


def test_the_panel_is_drawn_as_text_without_a_font_of_another_site(run: Path, tmp_path: Path) -> None:
    draw_panel(read_history(run), tmp_path / "terminal.svg")
    svg = (tmp_path / "terminal.svg").read_text(encoding="utf-8")
    text = "".join(ElementTree.fromstring(svg).itertext()).replace("\xa0", " ")
    auc = [line["auc"] for line in read_metrics(run) if line["kind"] == "evaluation"][-2]
    assert f"AUC {auc:.3f}" in text and "health" in text
    assert not re.search(r"(?:href|src|url)\W+http|@font-face|@import", svg)


def test_a_page_is_drawn_once_it_is_ready(tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api")
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed")
    (tmp_path / "page.html").write_text("<title>ready</title><p>text")
    with browser() as opened:
        titles = []
        address = (tmp_path / "page.html").as_uri()
        draw_page(opened, address, tmp_path / "page.png", lambda page: titles.append(page.title()))
    assert titles == ["ready"]
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_a_server_is_named_by_the_address_that_it_prints_and_ends(tmp_path: Path) -> None:
    command = ["python", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    (tmp_path / "file").write_text("content")
    with served(command) as address:
        assert urlopen(f"{address}file", timeout=60).read() == b"content"
    with pytest.raises(URLError):
        urlopen(address, timeout=60)


def test_readme_shows_every_picture_with_a_description_and_they_are_small() -> None:
    shown = dict(re.findall(r"!\[([^\]]+)\]\(docs/images/([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert sorted(shown.values()) == [image.name for image in IMAGES]
    assert all(len(description) > 40 for description in shown)
    sizes = [image.stat().st_size for image in IMAGES]
    assert max(sizes) < 150_000 and sum(sizes) < 600_000
