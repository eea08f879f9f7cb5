"""The names of fields in the files of published tasks.

Sources: GLUE's files; github.com/CLUEbenchmark/CLUE, /CBLUEbenchmark/CBLUE, /ymcui/cmrc2018 and their baselines;
PaddleNLP; the exports of Hugging Face's `datasets`.
"""

from __future__ import annotations

# The fields of a first and of a second text: this project's, then GLUE's, CLUE's, CBLUE's, PaddleNLP's. The first line
# whose fields all exist is taken.
TEXTS: tuple[tuple[str, ...], ...] = (
    *(("text", "text_pair"), ("sentence1", "sentence2"), ("question1", "question2"), ("question", "sentence")),
    *(("premise", "hypothesis"), ("#1 String", "#2 String"), ("abst", "keyword"), ("text1", "text2")),
    *(("query1", "query2"), ("query", "title"), ("text_a", "text_b"), ("text",), ("sentence",), ("query",)),
)
LABELS = ("label", "gold_label", "is_duplicate", "Quality", "labels")
# A field whose numbers are always the target of a regression.
SCORES = ("score", "similarity_score")
WORDS = ("tokens", "words")
# If a record has tags of several kinds, as in CoNLL-2003, the tags of entities are taken.
TAGS = ("ner_tags", "tags", "labels", "label", "pos_tags", "upos")
# Fields that number a record, and hold neither text nor label.
NUMBERS = ("id", "idx", "index", "guid", "qid", "")


def first_field(record: object, names: tuple[str, ...]) -> str | None:
    """The first of the names that the record has."""
    assert isinstance(record, dict)
    return next((name for name in names if name in record), None)


def text_fields(names: object) -> tuple[str, ...] | None:
    """The fields of the text or the two texts among the names of a record; None where there are none."""
    assert isinstance(names, (dict, list))
    return next((fields for fields in TEXTS if all(field in names for field in fields)), None)
