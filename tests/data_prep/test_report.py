"""The report counts what the corpus holds, shows no password, and its page shows rows of the corpus."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from configs.common.files import read_json
from configs.common.pages.rendering import render
from configs.load import load
from data_prep import report
from data_prep.counts import TaskReport
from data_prep.shards import Corpus

ROWS = {"train": [{"rows": 3}], "validation": [{"rows": 1}]}


def summary(source: str = "text.txt", **counts: object) -> dict:
    recipe = load("tiny", [f"data.sources={source}", "data.row_length=64"])
    total = TaskReport(tokens=Counter(train=100, validation=28), shards=ROWS, **counts)  # type: ignore[arg-type]  counters
    return report.summarize(recipe, total)


def test_shares_by_hand() -> None:
    stated = summary(masked_tokens=Counter({"1": 32, "0": 16}), unknown_tokens=4)
    assert (stated["tokens"], stated["rows"]) == (128, {"train": 3, "validation": 1})
    assert stated["rows_filled"] == 128 / (4 * 64)
    assert stated["masked_share"] == {"0": 0.125, "1": 0.25}
    assert stated["unknown_share"] == 4 / 128


def test_the_lengths_of_examples_are_counted_in_sixteen_bins() -> None:
    # Rows of 64 tokens give bins of 4 tokens: 1 to 4, 5 to 8, and so on.
    bins = summary(example_lengths=Counter({"1": 1, "4": 2, "5": 3, "64": 4}))["example_lengths"]
    assert [(entry["from"], entry["to"]) for entry in bins] == [(4 * n + 1, 4 * n + 4) for n in range(16)]
    assert [entry["examples"] for entry in bins] == [3, 3, *[0] * 13, 4]


def test_what_was_left_out_is_listed_by_frequency() -> None:
    samples = {"damaged": [f"file {number}" for number in range(9)], "empty": ["a"]}
    stated = summary(skipped=Counter(empty=1, damaged=1200), skipped_samples=samples)
    assert [(entry["reason"], entry["count"]) for entry in stated["skipped"]] == [("damaged", 1200), ("empty", 1)]
    assert stated["skipped"][0]["samples"] == [f"file {number}" for number in range(5)]
    assert (stated["num_skipped"], report.left_out(stated)) == (1201, "damaged: 1,200; empty: 1")
    assert report.left_out(summary()) == ""


def test_unknown_characters_are_sorted_by_number_and_then_by_code_point() -> None:
    stated = summary(unknown_characters=Counter({"律": 2, "法": 2, "x": 9} | {chr(0x4E00 + n): 1 for n in range(200)}))
    characters = list(stated["unknown_characters"])
    assert (characters[:3], len(characters)) == (["x", "律", "法"], 100)


def test_a_password_in_a_path_is_not_reported() -> None:
    stated = summary(
        "s3://key:secret@host/text",
        skipped=Counter(damaged=1),
        skipped_samples={"damaged": ["s3://key:secret@host/a: is damaged"]},
    )
    assert "secret" not in str(stated)


def test_the_report_agrees_with_the_manifest(corpus_folder: Path) -> None:
    stored, manifest = read_json(corpus_folder / "report.json"), Corpus(corpus_folder).manifest
    assert stored["rows"] == manifest.rows
    assert stored["tokens"] == sum(manifest.tokens.values())
    assert stored["sources"][0]["documents"] == manifest.sources[0].documents == 40
    assert sum(entry["examples"] for entry in stored["example_lengths"]) == stored["examples"]
    assert all(0.1 < share < 0.16 for share in stored["masked_share"].values())


@pytest.mark.parametrize("part", ["[CLS]", "topics.txt"])
def test_the_page_shows_rows_and_numbers(corpus_folder: Path, part: str) -> None:
    assert part in (corpus_folder / "report.html").read_text(encoding="utf-8")


def test_the_page_shows_the_lengths_without_matplotlib_too(
    corpus_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = read_json(corpus_folder / "report.json")
    page = (corpus_folder / "report.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/svg+xml;base64,') == 1 and "<details>" in page
    assert not re.search("""(?:src|href)=["']?http""", page)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plain = render("data_prep", "report.html", report.facts(stored, []))
    assert "<img" not in plain and "<details open>" in plain
    for entry in stored["example_lengths"]:
        assert f'{entry["from"]} to {entry["to"]}<td class="n">{entry["examples"]:,}' in plain
