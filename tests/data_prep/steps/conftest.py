"""Provide a folder with a small vocabulary, which the steps read."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from data_prep import vocabulary


@pytest.fixture
def vocabulary_folder(tmp_path: Path) -> Path:
    """Return a folder whose vocabulary has the letters a to z, with the ids 5 to 30."""
    entries = [*SPECIAL_TOKENS.values(), *(chr(code) for code in range(ord("a"), ord("z") + 1))]
    settings = TokenizerSettings(lowercase=True, strip_accents=True, longest_word=100)
    vocabulary.save(bert_tokenizer(entries, settings, "test"), tmp_path)
    return tmp_path
