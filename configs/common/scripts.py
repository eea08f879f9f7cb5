"""Characters by script, each set as the inside of a regular expression's brackets."""

from __future__ import annotations

import re

# The Chinese characters of BERT, which its tokenizer sets apart (google-research/bert, tokenization.py,
# _is_chinese_char). The package tokenizers lacks U+2B820 to U+2B91F of them.
CHINESE = (
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b820-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f"
)
# Scripts that put no spaces between words: Thai and Lao, Burmese, Khmer, kana, and all blocks of Chinese characters.
WITHOUT_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE_TEXT, _WITHOUT_SPACES = re.compile(f"[{CHINESE}]+"), re.compile(f"[{WITHOUT_SPACES}]")


def is_chinese(text: str) -> bool:
    """Whether all characters are Chinese; False for an empty text."""
    return _CHINESE_TEXT.fullmatch(text) is not None


def needs_no_spaces(character: str) -> bool:
    return _WITHOUT_SPACES.fullmatch(character) is not None
