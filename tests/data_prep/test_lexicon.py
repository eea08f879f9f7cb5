"""Terms are found whole, the longest first, and not within other words."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load
from data_prep.lexicon import Lexicon, read_terms
from data_prep.prepare import prepare


def units(tmp_path: Path, terms: list[str], line: str, *, lowercase: bool = True) -> list[str]:
    """Return the parts of a line that terms hold together."""
    path = tmp_path / "terms.txt"
    path.write_text("\n".join(terms), encoding="utf-8")
    lexicon = Lexicon(path, lowercase=lowercase)
    inner = lexicon.inner_characters(line)
    parts, start = [], 0
    for place in range(1, len(line) + 1):
        if place == len(line) or not inner[place]:
            parts.append(line[start:place])
            start = place
    units = [part for part in parts if len(part) > 1]
    assert sum(lexicon.take_counts().values()) == len(units)
    return units


def test_the_longest_term_wins_wherever_it_begins(tmp_path: Path) -> None:
    terms = ["myocardial infarction", "acute myocardial", "infarction of the lung"]
    assert units(tmp_path, terms, "An acute myocardial infarction of the lung") == [
        "acute myocardial",
        "infarction of the lung",
    ]
    assert units(tmp_path, terms, "an acute myocardial infarction") == ["myocardial infarction"]


def test_terms_do_not_begin_or_end_within_a_word(tmp_path: Path) -> None:
    assert units(tmp_path, ["art", "heart"], "heart failure, state of the art, artery") == ["heart", "art"]


def test_chinese_terms_stand_anywhere(tmp_path: Path) -> None:
    terms = ["急性心肌梗死", "心肌梗死", "民事诉讼"]
    assert units(tmp_path, terms, "患急性心肌梗死,非心肌梗死。民事诉讼法") == ["急性心肌梗死", "心肌梗死", "民事诉讼"]


def test_case_is_the_vocabularys(tmp_path: Path) -> None:
    assert units(tmp_path, ["HbA1c level"], "the hba1c LEVEL") == ["hba1c LEVEL"]
    assert units(tmp_path, ["HbA1c level"], "the hba1c LEVEL", lowercase=False) == []
    # The lower case of this character has two characters, and the positions after it must not move.
    assert units(tmp_path, ["blood test"], "İİ blood test") == ["blood test"]


def test_a_lexicon_without_terms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"masking\.lexicon: .*terms\.txt holds no term"):
        units(tmp_path, ["", "  "], "a")
    with pytest.raises(UserError, match=r"masking\.lexicon: .*cannot be read"):
        Lexicon(tmp_path, lowercase=True)


@pytest.mark.parametrize(
    ("content", "terms"),
    [
        ("habeas corpus\nres judicata\n", ["habeas corpus", "res judicata"]),
        ("\ufeffhabeas corpus\r\nres judicata\r\n", ["habeas corpus", "res judicata"]),
        ("habeas corpus\n\n  res judicata \nhabeas corpus\n", ["habeas corpus", "res judicata"]),
        (
            "\u79df\u8d41\u5408\u540c 1000 n\n\u6c11\u4e8b 800\n\u6cd5 n\n\u6cd5\u5f8b 9 nz\n",
            ["\u79df\u8d41\u5408\u540c", "\u6c11\u4e8b", "\u6cd5", "\u6cd5\u5f8b"],
        ),
        ("\u79df\u8d41\u5408\u540c\t1000\n\u6c11\u4e8b\t800\n", ["\u79df\u8d41\u5408\u540c", "\u6c11\u4e8b"]),
        ("habeas corpus\t12\tlegal\nres judicata\n", ["habeas corpus", "res judicata"]),
        ("form 1040\nhabeas corpus\nres judicata\n", ["form 1040", "habeas corpus", "res judicata"]),
        ("habeas\u00a0corpus\n\u3000\u6c11\u4e8b\n", ["habeas corpus", "\u6c11\u4e8b"]),
    ],
)
def test_terms_of_a_file(tmp_path: Path, content: str, terms: list[str]) -> None:
    (tmp_path / "terms.txt").write_bytes(content.encode())
    assert read_terms(tmp_path / "terms.txt") == terms


def test_a_missing_lexicon_or_filter_is_said_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text")
    for overrides, message in [
        (["masking.scheme=terms", f"masking.lexicon={tmp_path / 'none.txt'}"], "masking.lexicon: .*cannot be read"),
        (["data.filters=[{name='Lenght'}]"], "unknown filter Lenght"),
    ]:
        recipe = load("tiny", [f"data.sources={tmp_path / 'a.txt'}", *overrides])
        with pytest.raises(UserError, match=message):
            prepare(recipe, tmp_path / "corpus", workers=1)
        assert not (tmp_path / "corpus").exists()
