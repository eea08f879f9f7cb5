"""Draw changes that a person, a disk or a future program might make to a file that we read."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

_KEYS = st.text(max_size=8)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 1, 2**63, 2**64, 10**400]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "\0", "a" * 300, "../..", "/", "fresh", "train"]),
    st.datetimes(),
)
VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=5
)


@st.composite
def changed(draw: st.DrawFn, tree: dict[str, Any]) -> dict[str, Any]:
    """Return `tree` with one to three of its entries replaced, removed or added, at any depth."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        here: Any = tree
        while (inner := [key for key in _keys(here) if _keys(here[key])]) and draw(st.integers(0, 3)):
            here = here[draw(st.sampled_from(inner))]
        key = draw(st.sampled_from(_keys(here))) if _keys(here) else None
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "remove" if key is not None:
                del here[key]
            case "add" if isinstance(here, dict):
                here[draw(_KEYS)] = draw(VALUES)
            case _ if key is not None:
                here[key] = draw(VALUES)
    return tree


def _keys(node: Any) -> list[Any]:
    return list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []


@st.composite
def cut_and_flipped(draw: st.DrawFn, content: bytes) -> bytes:
    """Return `content` cut off somewhere, or with some of its bytes replaced by others."""
    start, end = sorted(draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
    return draw(
        st.sampled_from([content[:start], content[start:], content[:start] + content[end:]])
        | st.binary(max_size=12).map(lambda other: content[:start] + other + content[start + len(other) :])
    )
