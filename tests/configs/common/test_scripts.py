"""Our definition of a Chinese character, and how other definitions differ from it."""

from __future__ import annotations

import re

import pytest
from tokenizers.normalizers import BertNormalizer

from configs.common.scripts import CHINESE, WITHOUT_SPACES, is_chinese, needs_no_spaces

CODE_POINTS = [chr(point) for point in (*range(0x20, 0xD800), *range(0xE000, 0x31350))]


def characters(pattern: str) -> set[str]:
    return set(re.findall(f"[{pattern}]", "".join(CODE_POINTS)))


def test_the_package_tokenizers_lacks_a_block() -> None:
    normalizer = BertNormalizer(lowercase=False, strip_accents=False, clean_text=False, handle_chinese_chars=True)
    set_apart = {character for character in CODE_POINTS if normalizer.normalize_str(character) == f" {character} "}
    assert characters(CHINESE) - set_apart == {chr(point) for point in range(0x2B820, 0x2B920)}
    assert set_apart < characters(CHINESE)


def test_chinese_needs_no_spaces_and_other_scripts_do() -> None:
    assert characters(CHINESE) < characters(WITHOUT_SPACES)
    assert characters("\u4e00-\u9fa5") < characters(CHINESE)  # the published metrics of CMRC use this definition


@pytest.mark.parametrize(
    ("character", "chinese", "alone"),
    [
        ("\u6cd5", True, True),
        ("\u3400", True, True),
        ("\U00020000", True, True),
        ("\U0002b820", True, True),
        ("\uf900", True, True),
        ("\u3042", False, True),
        ("\u30a2", False, True),
        ("\u0e01", False, True),
        ("\uac00", False, False),
        ("\u3105", False, False),
        ("a", False, False),
        ("\u3007", False, False),
        ("\u3002", False, False),
    ],
)
def test_characters(character: str, *, chinese: bool, alone: bool) -> None:
    assert (is_chinese(character), needs_no_spaces(character)) == (chinese, alone)


def test_text_is_chinese_when_all_of_it_is() -> None:
    assert is_chinese("\u6cd5\u5f8b")
    assert not is_chinese("\u6cd5a")
    assert not is_chinese("")
