"""Samples of an evaluation in Markdown, for trackers. TensorBoard shows no colours, so shades are characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pretrain.run.samples import SampleRow, Samples

# The shade that follows a token whose suspicion is at least so high.
_SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (0.1, "░"))
_LEGEND = (
    "░ ▒ ▓ █ follow a token to which the discriminator gives a probability of at least 10, 25, 50 or 75 % that it was "
    "replaced. The generator's tokens are bold, and the original follows in brackets where it was replaced."
)


def markdown(samples: Samples) -> str:
    return "\n\n".join([_LEGEND, *(part for row in samples.rows for part in _row(row))])


def _row(row: SampleRow) -> Iterator[str]:
    slots = row.slot_at
    shown = (slots[place].shown if place in slots else token for place, token in enumerate(row.tokens))
    yield f"<strong>Row {row.row}, masked:</strong>" + "".join(_space(token) + _escaped(token) for token in shown)
    judged = (_judged(row, place) for place in range(len(row.tokens)))
    yield f"<strong>Row {row.row}, judged:</strong>" + "".join(judged)


def _judged(row: SampleRow, place: int) -> str:
    original, slot = row.tokens[place], row.slot_at.get(place)
    suspicion = row.suspicion[place] if row.suspicion else None
    shade = next((mark for lowest, mark in _SHADES if suspicion is not None and suspicion >= lowest), "")
    if slot is None:
        return _space(original) + _escaped(original) + shade
    was = "" if slot.put == original else f" ({_escaped(original)})"
    return f"{_space(slot.put)}<strong>{_escaped(slot.put)}</strong>{shade}{was}"


def _space(token: str) -> str:
    """What stands before a token: nothing before the rest of a word, or before a Chinese character."""
    return "" if token.startswith("##") or token >= "\u2e80" else " "


def _escaped(token: str) -> str:
    """The token so that Markdown and HTML show it unchanged, without the mark of the rest of a word."""
    html = token.removeprefix("##").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+\-.!])", r"\\\1", html)
