"""What is done to a text before anything else, by name and in the order of `data.normalize`."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

from configs.common.errors import UserError

# Marks that BERT's Chinese vocabulary of 21,128 entries lacks, and what stands nearest to them in it.
_MARKS = {**dict.fromkeys("“”„‟", '"'), **dict.fromkeys("‘’‚‛", "'"), **dict.fromkeys("‐‑‒–—―", "-"), "…": "..."}


def normalizer(steps: tuple[str, ...]) -> Callable[[str], str]:
    """Raises UserError when a step needs a package that is not installed."""
    functions = [_step(name) for name in steps]

    def normalize(text: str) -> str:
        for function in functions:
            text = function(text)
        return text

    return normalize


@cache
def _step(name: str) -> Callable[[str], str]:
    match name:
        case "nfkc":  # full-width forms become plain ones
            return lambda text: unicodedata.normalize("NFKC", text)
        case "punctuation":
            table = str.maketrans(_MARKS)
            return lambda text: text.translate(table)
        case _:
            return _opencc({"simplified": "t2s", "traditional": "s2t"}[name])


def _opencc(configuration: str) -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ModuleNotFoundError:
        raise UserError("data.normalize: needs the package OpenCC, which is not installed") from None
    return OpenCC(configuration).convert
