"""A vocabulary file that belongs to a model keeps BERT's ids; any other is refused by its first improper line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.vocabulary.entries import check_special_tokens, read_entries, read_folder, vocabulary_file

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
HEAD = "\n".join(SPECIAL) + "\n"


# Each entry maps to the lines after the special tokens, the entries read when the file belongs to a model, and the
# refusal when it does not.
FILES = {
    "plain": ("the\n##s\n", ["the", "##s"], None),
    "no newline at the end": ("the\n##s", ["the", "##s"], None),
    "blank lines at the end": ("the\n\n\n", ["the"], None),
    "CRLF": ("the\r\n##s\r\n", ["the", "##s"], None),
    "old Macintosh": ("the\r##s\r", ["the", "##s"], None),
    "trailing space": ("the \nof\n", ["the", "of"], "line 6, 'the ', has white space around its entry"),
    "trailing tab": ("the\t\nof\n", ["the", "of"], "line 6, 'the\\t', has white space around its entry"),
    "blank line": ("the\n\nof\n", ["the", "[unused_6]", "of"], "line 7 is blank"),
    "twice": ("the\nof\nthe\n", ["[unused_5]", "of", "the"], "line 8 has the entry 'the' twice, first on line 6"),
    "line separator": ("the\n\u2028\nof\n", ["the", "[unused_6]", "of"], "line 7 is blank ('\\u2028')"),
    "line separator inside": ("a\u2028b\nof\n", ["a\u2028b", "of"], None),
    "ideographic space": ("\u3000\nof\n", ["[unused_5]", "of"], "line 6 is blank ('\\u3000')"),
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", FILES)
def test_lines_of_a_vocabulary(tmp_path: Path, name: str, mark: str) -> None:
    content, of_model, refusal = FILES[name]
    path = tmp_path / "vocab.txt"
    path.write_bytes((mark + HEAD + content).encode())
    if refusal:
        with pytest.raises(UserError) as error:
            read_entries(path)
        assert f"{path}: {refusal}" in str(error.value)
    else:
        assert read_entries(path) == [*SPECIAL, *of_model]
    (tmp_path / "config.json").write_text("{}")
    assert read_entries(path) == [*SPECIAL, *of_model]


def test_ids_of_a_tokenizer_file(tmp_path: Path) -> None:
    stored = {
        "model": {"type": "WordPiece", "vocab": {"a": 1, "b": 3}},
        "added_tokens": [{"id": 0, "content": "[PAD]"}],
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(stored))
    (tmp_path / "vocab.txt").write_text("other\n")
    with pytest.raises(UserError, match="has no entry for the id 2"):
        read_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert read_folder(tmp_path) == ["[PAD]", "a", "[unused_2]", "b"]


def test_a_folder_without_a_vocabulary(tmp_path: Path) -> None:
    assert vocabulary_file(tmp_path) is None
    with pytest.raises(UserError, match=r"holds neither tokenizer\.json nor vocab\.txt"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        (["[pad]", "[unk]", "[cls]", "[sep]", "[mask]"], "are written [pad], [unk], [cls], [sep], [mask]"),
        (["<pad>", "<unk>", "<s>", "</s>", "<mask>"], "are <pad>, <unk>, <s>, </s>, <mask>, as RoBERTa"),
        (SPECIAL[:4], "lacks [MASK], which pretraining needs"),
    ],
)
def test_special_tokens_of_other_names(entries: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        check_special_tokens({entry: number for number, entry in enumerate(entries)}, "vocab.txt")
    assert sentence in str(error.value)
