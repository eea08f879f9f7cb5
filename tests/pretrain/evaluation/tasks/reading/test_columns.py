"""A word and its tag in each line."""

from __future__ import annotations

import pytest

from pretrain.evaluation.tasks.reading.columns import column_records, looks_like_columns

SENTENCES = [{"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"]}, {"tokens": ["Peter"], "tags": ["B-PER"]}]
CONLLU = "1\tEU\tEU\tPROPN\t_\t_\t2\tnsubj\t_\t_"
FILES = {
    "CoNLL-2003": "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n",
    "two columns": "EU B-ORG\nrejects O\n\nPeter B-PER",
    "tabs and Windows' line ends": "EU\tB-ORG\r\nrejects\tO\r\n\r\n\r\nPeter\tB-PER\r\n",
    "a header": "token\tpos\tner\nEU\tNNP\tB-ORG\nrejects\tVBZ\tO\n\nPeter\tNNP\tB-PER\n",
    "comments": "# sent_id = 1\nEU B-ORG\nrejects O\n\n# sent_id = 2\nPeter B-PER\n",
    "a blank line of blanks": "EU B-ORG\nrejects O\n  \nPeter B-PER\n",
}


@pytest.mark.parametrize("name", FILES)
def test_sentences(name: str) -> None:
    assert list(column_records(FILES[name])) == SENTENCES
    assert looks_like_columns(FILES[name])


def test_conllu_has_parts_of_speech_in_its_fourth_column() -> None:
    text = f"# text = a b\n1-2\tEUs\t_\t_\t_\t_\t_\t_\t_\t_\n{CONLLU}\n"
    assert list(column_records(text)) == [{"tokens": ["EU"], "tags": ["PROPN"]}]


def test_words_that_are_marks_or_blanks() -> None:
    assert list(column_records("# O\n\u3000\tO\n")) == [{"tokens": ["#", "\u3000"], "tags": ["O", "O"]}]


def test_a_single_column_has_no_tags() -> None:
    assert list(column_records("EU\nrejects\n")) == [{"tokens": ["EU", "rejects"]}]


def test_another_number_of_columns_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 3 has 1 columns, and the lines before have 2"):
        list(column_records("EU B-ORG\n\nPeter\n"))


def test_other_tables_are_no_columns() -> None:
    assert not looks_like_columns("gj04\t1\t\tKim left.\ncj99\t0\t*\tLeft did Kim.\n")
    assert not looks_like_columns("sentence\tlabel\na fine film\t1\n")
