"""The hooks of the site: links between documents become links between pages, and every file is listed."""

from __future__ import annotations

import pytest

from docs.hooks import ROOMS, ROOT, files_page, link_pages


@pytest.mark.parametrize(
    ("link", "source", "page", "expected"),
    [
        ("docs/speed.md", "README.md", "index.md", "speed.md"),
        ("docs/images/curves.png", "README.md", "index.md", "images/curves.png"),
        ("../ARCHITECTURE.md", "docs/log.md", "log.md", "architecture.md"),
        ("../benchmarks/README.md", "docs/speed.md", "speed.md", "benchmarks.md"),
        ("../docs/speed.md#memory", "benchmarks/README.md", "benchmarks.md", "speed.md#memory"),
        ("../recipes.md", "docs/api/configs.md", "api/configs.md", "../recipes.md"),
        ("https://example.org/a.md", "README.md", "index.md", "https://example.org/a.md"),
    ],
)
def test_a_link_leads_to_the_page_of_its_document(link: str, source: str, page: str, expected: str) -> None:
    assert link_pages(f"see [the page]({link}).", source, page) == f"see [the page]({expected})."


def test_every_module_is_listed_with_its_purpose() -> None:
    page = files_page()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"):
        assert f"| `{path.name}` | " in page, path
    assert "| `randomness.py` | " in page.partition("## configs/common")[2].partition("\n## ")[0]
