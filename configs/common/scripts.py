"""This module lists characters by script. Each list fits between the brackets of a regular expression."""

from __future__ import annotations

import re

# BERT's tokenizer makes each of these characters a word of its own (google-research/bert, tokenization.py,
# _is_chinese_char). The package tokenizers does not do so for U+2B820 to U+2B91F.
CHINESE = (
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b820-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f"
)
# These scripts put no spaces between words: Thai and Lao, Burmese, Khmer, kana, and all blocks of Chinese characters.
WITHOUT_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE_TEXT, _WITHOUT_SPACES = re.compile(f"[{CHINESE}]+"), re.compile(f"[{WITHOUT_SPACES}]")


def is_chinese(text: str) -> bool:
    """Return whether all characters are Chinese. An empty text gives False."""
    return _CHINESE_TEXT.fullmatch(text) is not None


def needs_no_spaces(character: str) -> bool:
    return _WITHOUT_SPACES.fullmatch(character) is not None
