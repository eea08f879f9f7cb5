"""A password or token in a URL is used for access, and is never stored."""

from __future__ import annotations

import pytest

from configs.common.secrets import without_secrets
from configs.load import load


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("https://user:word@host/a.txt", "https://host/a.txt"),
        ("https://token@host/a@b.txt", "https://host/a@b.txt"),
        ("https://host/a.txt?X-Amz-Signature=abc&b=c", "https://host/a.txt"),
        (
            "data.sources=['https://u:p@host/a?s=1', 's3://bucket/b']",
            "data.sources=['https://host/a', 's3://bucket/b']",
        ),
        ("/home/me/what?.txt", "/home/me/what?.txt"),
        ("me@example.org", "me@example.org"),
    ],
)
def test_passwords_and_signatures_go(text: str, stored: str) -> None:
    assert without_secrets(text) == stored


def test_a_recipe_reads_with_them_and_is_stored_without() -> None:
    recipe = load("tiny", ["data.sources=https://user:word@host/a.txt?sig=abc"])
    assert recipe.data.sources[0].path == "https://user:word@host/a.txt?sig=abc"
    assert recipe.model_dump(mode="json")["data"]["sources"][0]["path"] == "https://host/a.txt"
    assert not any("word" in line or "abc" in line for line in recipe.lines() if "sources" in line)
