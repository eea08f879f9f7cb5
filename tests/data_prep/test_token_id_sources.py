"""Keys that need text are refused for sources of token ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load
from data_prep.sources.tasks import cut_into_tasks
from data_prep.token_id_sources import refuse_text_keys

GOLDEN = Path(__file__).parent.parent / "golden" / "megatron" / "two.bin"
VOCABULARY = "vocabulary.source=vocab.txt"


def refuse(*overrides: str, source: Path = GOLDEN, kind: str = "megatron") -> None:
    recipe = load("tiny", [f"data.sources=[{{path='{source}', format='{kind}'}}]", *overrides])
    refuse_text_keys(recipe, cut_into_tasks(recipe.data.sources))


def test_ids_with_their_vocabulary_are_taken() -> None:
    refuse(VOCABULARY)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ((), "data.sources.0: holds token ids, and vocabulary.source is train; set vocabulary.source"),
        ((VOCABULARY, "data.personal_data=redact"), "and data.personal_data needs text"),
        ((VOCABULARY, "data.filters=[{name='Length'}]"), "and data.filters needs text"),
        ((VOCABULARY, "data.normalize=['nfkc']"), "and data.normalize needs text"),
        ((VOCABULARY, "masking.scheme=whole_word", "masking.segmenter=jieba"), "and masking.segmenter needs text"),
        ((VOCABULARY, "masking.scheme=terms", "masking.lexicon=terms.txt"), "and masking.lexicon needs text"),
    ],
)
def test_what_needs_text_is_refused(overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        refuse(*overrides)
    assert sentence in str(refused.value)


def test_sources_of_text_may_have_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text")
    refuse("data.personal_data=redact", source=tmp_path / "a.txt", kind="text")
