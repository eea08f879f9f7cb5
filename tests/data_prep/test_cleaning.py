"""Omitted text is counted with its reason and shown, and text that identifies a person is counted or hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.corpus_tables import DataTable
from configs.load import load
from data_prep import cleaning
from data_prep.document import SourceDocument
from data_prep.prepare import prepare
from tests.conftest import SMALL, documents

ENGLISH = "The patient was given the medicine in the morning and felt better in the evening."
GERMAN = "Der Patient bekam das Medikament am Morgen und fühlte sich am Abend besser als zuvor."
CHINESE = "患者早上服药，晚上感觉好转，第二天出院。"


def data(*filters: dict[str, object], personal_data: str = "ignore") -> DataTable:
    inputs = load("tiny").data.model_dump() | {"filters": filters, "personal_data": personal_data}
    return DataTable.model_validate(inputs)


def clean(chosen: DataTable, *texts: str) -> list[SourceDocument]:
    inputs = [SourceDocument(text=text, id=str(number)) for number, text in enumerate(texts)]
    return list(cleaning.Clean(chosen).run(inputs))


def reasons(chosen: DataTable, *texts: str) -> list[str]:
    return [document.drop_reason for document in clean(chosen, *texts)]


def test_nothing_is_left_out_by_default() -> None:
    assert reasons(data(), "a", ENGLISH) == ["", ""]


def test_by_length() -> None:
    chosen = data({"name": "Length", "shortest": 5, "longest": 90})
    assert reasons(chosen, "four", ENGLISH, ENGLISH * 2) == [
        "Length: shorter than 5 characters",
        "",
        "Length: longer than 90 characters",
    ]


def test_by_language() -> None:
    chosen = data({"name": "Language", "languages": ["en", "zh"]})
    assert reasons(chosen, ENGLISH, GERMAN, CHINESE) == ["", "Language: in the language de", ""]


def test_datatroves_filters_by_name() -> None:
    chosen = data({"name": "RegexFilter", "regex_exp": "better"}, {"name": "Length", "shortest": 30})
    assert reasons(chosen, ENGLISH, GERMAN, CHINESE) == ["RegexFilter", "", "Length: shorter than 30 characters"]


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"name": "Lenght"}, r"data\.filters\.0\.name: unknown filter Lenght; did you mean Length"),
        ({"name": "Length", "shortst": 3}, r"data\.filters\.0: unknown key shortst; did you mean shortest"),
        ({"name": "Language"}, r"data\.filters\.0: Language cannot be made \(.*languages"),
        (
            {"name": "Language", "languages": "en,de"},
            r"Language cannot be made \(languages: 'en,de' is no list of codes",
        ),
        ({"name": "Language", "languages": ["en"], "confidence": 95}, r"\(confidence: 95 is no share from 0 to 1\)"),
        ({"name": "SamplerFilter", "rate": 0.5}, r"data\.filters\.0: SamplerFilter draws at random; state its seed"),
    ],
)
def test_a_filter_that_cannot_be_made_is_refused(filter: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        cleaning.build(data(filter))


@pytest.mark.parametrize("language", ["ger", "EN", "zh-cn"])
def test_a_language_that_is_not_known_is_refused(language: str) -> None:
    with pytest.raises(UserError, match=f"languages: unknown language {language}"):
        cleaning.check(data({"name": "Language", "languages": ["en", language]}))


def test_a_sampler_with_a_seed_draws_the_same_documents_each_time() -> None:
    chosen = data({"name": "SamplerFilter", "rate": 0.5, "seed": 1})
    first, second = (reasons(chosen, *map(str, range(100))) for _ in range(2))
    assert first == second and 30 < first.count("") < 70


# Sixty words and more, in whole sentences that do not repeat one another.
PROSE = (
    "When the river froze, the ferryman walked across and counted the boats that lay in the ice. He wrote to his "
    "sister about the winter, because she had asked whether the town would have bread before spring. Their "
    "letters were kept by a schoolmaster, who copied them for the archive of the parish. Nobody knew how many had "
    "been lost with the cart that sank. Historians later compared prices, weather and births with those of two "
    "other towns."
)
LIST = "opening hours\nour prices\nhow to find us\n"
TWICE = "The same line stands here again and again.\n"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("GopherQualityFilter", ENGLISH, "gopher_short_doc"),
        ("GopherRepetitionFilter", TWICE * 9, "dup_line_frac"),
        ("C4QualityFilter", LIST, "too_few_sentences"),
        ("FineWebQualityFilter", LIST, "line_punct_ratio"),
    ],
)
def test_the_quality_filters_of_datatrove(name: str, text: str, reason: str) -> None:
    pytest.importorskip("spacy", reason="the quality filters find words by spaCy")
    chosen = data({"name": name})
    cleaning.check(chosen)
    assert reasons(chosen, PROSE, text) == ["", f"{name}: {reason}"]


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"name": "LanguageFilter"}, r"data\.filters\.0: LanguageFilter cannot be made \(Please install .*fasttext"),
        ({"name": "RegexFilter", "regex_exp": "("}, r"data\.filters\.0: RegexFilter cannot be made \(.*unterminated"),
        (
            {"name": "GopherQualityFilter", "language": "?"},
            r"GopherQualityFilter cannot be used here \(.*'\?'",
        ),
    ],
)
def test_a_filter_that_cannot_work_is_refused_before_the_work(
    filter: dict[str, object], message: str, tmp_path: Path
) -> None:
    """LanguageFilter's package is in none of our extras."""
    (tmp_path / "text.txt").write_text(ENGLISH, encoding="utf-8")
    recipe = load("tiny", [*SMALL, f"data.sources={tmp_path / 'text.txt'}"])
    filtered = recipe.data.model_copy(update={"filters": data(filter).filters})
    with pytest.raises(UserError, match=message):
        prepare(recipe.model_copy(update={"data": filtered}), tmp_path / "corpus", 1)
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize(
    ("text", "kind", "hidden"),
    [
        ("write to jane.doe+x@mail.example.co.uk.", "e-mail address", "write to email@example.com."),
        ("邮箱jane@example.cn。", "e-mail address", "邮箱email@example.com。"),
        ("call +49 30 1234567 now", "telephone number", "call 000-000-0000 now"),
        ("call (202) 555-0143", "telephone number", "call 000-000-0000"),
        ("手机13912345678。", "telephone number", "手机000-000-0000。"),
        ("身份证11010519491231002X，", "identity number", "身份证000000000000000000，"),
        ("SSN 078-05-1120", "identity number", "SSN 000000000000000000"),
        ("write to 13912345678@qq.com now", "e-mail address", "write to email@example.com now"),
    ],
)
def test_personal_data(text: str, kind: str, hidden: str) -> None:
    (counted,) = clean(data(personal_data="count"), text)
    assert (counted.text, counted.personal_data) == (text, {kind: 1})
    (redacted,) = clean(data(personal_data="redact"), text)
    assert (redacted.text, redacted.personal_data) == (hidden, {kind: 1})


@pytest.mark.parametrize(
    "text", ["in 2026, 3.14159 and 1,234,567 rows", "10.1038/s41586-020-2649-2", "第123456789012号"]
)
def test_other_numbers_are_no_personal_data(text: str) -> None:
    (counted,) = clean(data(personal_data="count"), text)
    assert counted.personal_data == {}


def test_the_report_of_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n\n".join([*documents(20), GERMAN, "short", "write to a@b.org " * 30]))
    filters = "data.filters=[{name='Length', shortest=60}, {name='Language', languages=['en'], confidence=0.0}]"
    recipe = load("tiny", [*SMALL, filters, "data.personal_data=redact", f"data.sources={tmp_path / 'text.txt'}"])
    prepare(recipe, tmp_path / "corpus", workers=1)
    report = read_json(tmp_path / "corpus" / "report.json")
    dropped = {entry["reason"]: entry for entry in report["dropped"]}
    assert dropped["Length: shorter than 60 characters"]["samples"] == ["short\n"]
    assert dropped["Language: in the language de"]["documents"] == 1
    assert report["personal_data"]["e-mail address"] == 30
    page = (tmp_path / "corpus" / "report.html").read_text()
    assert "Der Patient bekam" in page
    assert "30 e-mail addresses" in page
    words = (tmp_path / "corpus" / "vocab.txt").read_text().split()
    assert len(words) == 1200
