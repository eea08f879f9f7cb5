"""A password or token in a URL is used for access, and is never stored."""

from __future__ import annotations

import pytest

from configs.common.secrets import is_secret, without_secrets
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


@pytest.mark.parametrize(
    ("variable", "value", "secret"),
    [
        ("WANDB_API_KEY", "0123", True),
        ("AWS_SECRET_ACCESS_KEY", "0123", True),
        ("HF_TOKEN", "hf_0123", True),
        ("MLFLOW_TRACKING_PASSWORD", "0123", True),
        ("MLFLOW_TRACKING_URI", "https://me:word@host", True),
        ("MLFLOW_TRACKING_URI", "https://host:5000", False),
        ("NCCL_IB_PKEY", "1", False),
        ("WANDB_MODE", "offline", False),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json", False),
    ],
)
def test_a_variable_is_secret_by_its_name_or_its_value(variable: str, value: str, secret: bool) -> None:
    assert is_secret(variable, value) == secret


def test_a_recipe_reads_with_them_and_is_stored_without() -> None:
    recipe = load("tiny", ["data.sources=https://user:word@host/a.txt?sig=abc"])
    assert recipe.data.sources[0].path == "https://user:word@host/a.txt?sig=abc"
    assert recipe.model_dump(mode="json")["data"]["sources"][0]["path"] == "https://host/a.txt"
    assert not any("word" in line or "abc" in line for line in recipe.lines() if "sources" in line)
