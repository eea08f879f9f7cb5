"""The tables of a corpus: the shapes that follow from their keys, and the keys that do not fit one another."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from configs.corpus_tables import SourceTable
from configs.load import load
from configs.recipe import Recipe

TINY = load("tiny")


def changed(name: str, **changes: Any) -> Any:
    """Return the table `name` of the recipe `tiny` with other values."""
    table = getattr(TINY, name)
    return type(table).model_validate(table.model_dump() | changes)


@pytest.mark.parametrize(
    ("rate", "row_length", "slots"),
    # max_predictions_per_seq of google-research/electra: small (128 tokens), base (512), large (a quarter is masked)
    [(0.15, 128, 19), (0.15, 512, 79), (0.25, 512, 130), (0.15, 8, 1), (0.1, 8, 0)],
)
def test_slots_of_a_row_are_those_of_google(rate: float, row_length: int, slots: int) -> None:
    assert changed("masking", rate=rate).slots(row_length) == slots


def test_fresh_maskings_are_not_stored() -> None:
    assert changed("masking", maskings=3).stored == 3
    assert changed("masking", maskings="fresh").stored == 0


@pytest.mark.parametrize("sources", ["文本.txt", ["文本.txt"], {"path": "文本.txt"}, [{"path": "文本.txt"}]])
def test_a_path_is_a_source(sources: Any) -> None:
    assert changed("data", sources=sources).sources == (SourceTable(path="文本.txt"),)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "latin-1", "utf-16", "shift_jis"])
def test_encodings_of_text(encoding: str) -> None:
    assert SourceTable(path="x", encoding=encoding).encoding == encoding


REFUSED = [
    ("data", {"sources": 3}, "sources: 3 is neither a path nor a list of paths"),
    ("data", {"row_length": 12}, "row_length: 12 is not a multiple of 8"),
    ("data", {"shortest_random_length": 2}, "shortest_random_length: 2 is not between 3 and row_length (128)"),
    ("data", {"shortest_random_length": 129}, "shortest_random_length: 129 is not between 3 and row_length (128)"),
    ("vocabulary", {"source": ""}, "source: is empty; write train, or name a vocab.txt"),
    ("vocabulary", {"extend": 5}, "extend: 5, and the vocabulary is trained"),
    ("masking", {"scheme": "terms"}, "lexicon: '' names no file, and scheme is terms"),
    ("masking", {"lexicon": "terms.txt"}, "lexicon: 'terms.txt' is of no use unless scheme is terms"),
    ("masking", {"maskings": 0}, "maskings"),
    ("masking", {"mean_span": 0.5}, "mean_span"),
    # The first two are not encodings of text, and `idna` cannot replace an invalid byte.
    *(("source", {"path": path}, "path: is empty; name a file") for path in ("", " ")),
    *(("source", {"encoding": name}, f"{name!r} is no encoding") for name in ("rot13", "base64", "idna", "utf-9", "")),
]


@pytest.mark.parametrize(("table", "changes", "sentence"), REFUSED)
def test_keys_that_do_not_fit_are_refused(table: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        SourceTable(**{"path": "x", **changes}) if table == "source" else changed(table, **changes)
    assert sentence in str(error.value)


def test_a_filter_keeps_its_arguments() -> None:
    recipe: Recipe = load("tiny", ["data.filters=[{name='Length', shortest=20}]"])
    assert recipe.data.filters[0].model_extra == {"shortest": 20}
