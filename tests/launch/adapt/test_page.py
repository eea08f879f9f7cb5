"""The page of a small real adaptation: its numbers are those of the files, and it is safe and self-contained."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.common.files import read_json
from configs.common.pages.rendering import render
from launch.adapt.checks import Checked
from launch.adapt.comparison import TaskScores, corpus_scores
from launch.adapt.minds import read_rows
from launch.adapt.order import Order
from launch.adapt.page import facts, write_page
from launch.adapt.parts import Part
from launch.adapt.record import Record
from launch.cli import app


@pytest.fixture(scope="module")
def content(order: Order, checked: Checked, parts: list[Part], record: Record) -> dict[str, Any]:
    return facts(order, checked, parts, record)


@pytest.fixture(scope="module")
def page(order: Order, checked: Checked, parts: list[Part], record: Record) -> str:
    write_page(order, checked, parts, record)
    return order.page.read_text(encoding="utf-8")


def test_scores_are_those_of_the_files(order: Order, content: dict[str, Any]) -> None:
    before, after, own = (read_json(order.scores(name))["corpora"] for name in ("before", "after", "own"))
    for shown, folder in zip(content["scores"], map(str, order.corpora), strict=True):
        assert vars(shown.auc.before) == before[folder]["scores"]["auc"]
        assert vars(shown.auc.after) == after[folder]["scores"]["auc"]
        assert vars(shown.own_auc) == own[folder]["scores"]["auc"]
        assert vars(shown.prediction[1].before) == before[folder]["scores"]["pseudo_perplexity"]
        assert vars(shown.prediction[1].after) == own[folder]["scores"]["pseudo_perplexity"]
        # The difference comes from the tokens, whose probabilities are rounded.
        assert shown.auc_difference.value == pytest.approx(shown.auc.after.value - shown.auc.before.value, abs=1e-6)
    assert read_json(order.scores("before"))["generator"] == read_json(order.scores("after"))["generator"]


def test_a_generator_with_added_words_is_the_same_beside_a_model_without_them(order: Order, record: Record) -> None:
    """The words that were added have trained rows in the run, and in the model the mean of their pieces."""
    file = order.out.parent / "crossed.json"
    options = ["--generator", str(order.run), "--corpus", str(order.domain_corpus), "--rows", "20", "--json", str(file)]
    answer = CliRunner().invoke(app, ["evaluate", order.model, *options])
    assert answer.exit_code == 0, answer.output
    folder = str(order.domain_corpus)
    crossed, own = (read_json(path)["corpora"][folder]["scores"] for path in (file, order.scores("own")))
    for name in ("masked_accuracy", "pseudo_perplexity", "replaced_share"):
        assert crossed[name] == pytest.approx(own[name], rel=1e-9)
    assert crossed["auc"] != own["auc"]


def test_tasks_are_paired_by_seed(order: Order, content: dict[str, Any]) -> None:
    (task,) = content["tasks"]
    (result,) = read_json(order.task_results(order.tasks[0]))["tasks"]
    differences = [after - before for before, after in zip(task.before, task.after, strict=True)]
    assert differences == pytest.approx(result["difference"][result["metric"]]["values"])


def test_the_interval_of_a_difference_by_hand() -> None:
    """The differences are 1, 2 and 3; t of 2 degrees is 4.303, so the half width is 4.303 / sqrt(3) = 2.484."""
    task = TaskScores("t", "accuracy", "", (1.0, 1.0, 1.0), (2.0, 3.0, 4.0), {})
    assert task.interval.value == pytest.approx(2.0)
    assert task.interval.low == pytest.approx(2 - 2.484, abs=1e-3)
    assert task.interval.high == pytest.approx(2 + 2.484, abs=1e-3)
    assert "no difference that could not be chance" in task.verdict
    assert "became better" in replace(task, after=(2.0, 2.1, 2.2)).verdict
    assert "became worse" in replace(task, after=(0.0, 0.1, 0.2)).verdict


def test_a_model_that_detected_nothing_has_no_score_before(order: Order, record: Record) -> None:
    without = corpus_scores(order, [], tests_with_model=True)
    assert all("cannot be compared" in corpus.verdict for corpus in without)


def test_the_same_tokens_were_shown_before_and_after(order: Order, record: Record) -> None:
    rows = read_rows(order.tokens("before"), order.tokens("after"))
    assert {row.corpus for row in rows} == set(map(str, order.corpora))
    assert any(token.before != token.after for row in rows for token in row.tokens)


def test_the_page_says_what_went_in(order: Order, checked: Checked, page: str) -> None:
    manifest = read_json(order.domain_corpus / "manifest.json")
    for expected in (checked.fingerprint, manifest["sha256"], manifest["vocabulary"]["sha256"], "PSF &lt;2&gt;"):
        assert expected in page
    added = (order.domain_corpus / "vocab_added.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(added) == 5
    for line in added:
        assert f"<td>{line.split()[0]}" in page


def test_every_command_can_be_copied_from_the_page(parts: list[Part], page: str) -> None:
    class Commands(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.commands: list[str] = []
            self.is_open = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.is_open = tag == "pre"

        def handle_data(self, data: str) -> None:
            if self.is_open:
                self.commands.append(data)

        def handle_endtag(self, tag: str) -> None:
            self.is_open = False

    parser = Commands()
    parser.feed(page)
    assert [shlex.split(command)[1:] for command in parser.commands] == [list(part.arguments) for part in parts]


def test_the_page_is_self_contained(page: str) -> None:
    assert set(re.findall(r"""(?:src|href)=["']?([a-z]+:)""", page)) == {"data:"}
    assert not re.search(r"@import|url\(|<script|<link", page)
    # Each figure is described in words.
    images = re.findall(r'<img [^>]*alt="([^"]*)"', page)
    assert len(images) == page.count("<img ") == 4 + 3 + 1
    assert all(len(alt) > 20 for alt in images)


def test_what_users_write_is_escaped(order: Order, checked: Checked, parts: list[Part], record: Record) -> None:
    hostile = replace(parts[0], title="<script>alert(1)</script>", arguments=("prepare", "<img src=x>"))
    other = replace(order, overrides=("data.x=<b>",))
    text = render("launch", "adaptation.html", facts(other, checked, [hostile], record))
    assert "<script" not in text
    assert "<img src=x>" not in text
    assert "<code>data.x=&lt;b&gt;</code>" in text
