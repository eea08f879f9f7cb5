"""The steps of `data.normalize`, which change a text before anything else reads it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

from configs.common.errors import UserError

# BERT's Chinese vocabulary of 21,128 entries lacks these marks; each is replaced by the nearest one that it has.
_PLAIN_MARKS = {**dict.fromkeys("“”„‟", '"'), **dict.fromkeys("‘’‚‛", "'"), **dict.fromkeys("‐‑‒–—―", "-"), "…": "..."}


def normalizer(steps: tuple[str, ...]) -> Callable[[str], str]:
    """A function that applies the steps in order. Raises UserError where a step needs a package that is missing."""
    functions = [_step(name) for name in steps]

    def normalize(text: str) -> str:
        for function in functions:
            text = function(text)
        return text

    return normalize


@cache
def _step(name: str) -> Callable[[str], str]:
    match name:
        case "nfkc":  # full-width characters become plain characters, and ligatures their letters
            return lambda text: unicodedata.normalize("NFKC", text)
        case "punctuation":
            table = str.maketrans(_PLAIN_MARKS)
            return lambda text: text.translate(table)
        case _:
            return _opencc({"simplified": "t2s", "traditional": "s2t"}[name])


def _opencc(configuration: str) -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ModuleNotFoundError:
        raise UserError("data.normalize: needs the package OpenCC, which is not installed") from None
    return OpenCC(configuration).convert
