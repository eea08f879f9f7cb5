"""The page in a real browser: a text is typed, words are chosen with the keyboard, and markup stays text."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pretrain.proofread.model import Proofreader
from pretrain.proofread.page import site
from pretrain.proofread.server import Server

CHROMIUM = shutil.which("chromium")
TEXT = "The key is not found. <script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">"


@pytest.fixture(scope="module")
def server(reader: Proofreader, chinese: Proofreader) -> Iterator[Server]:
    with Server("127.0.0.1", 0, site([reader, chinese])) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """Return the open page. Afterwards, nothing has gone wrong in it, and it has asked no other server."""
    opened = browser.new_page(viewport={"width": 390, "height": 800})
    opened.set_default_timeout(120_000)
    problems, addresses = [], []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("request", lambda asked: addresses.append(asked.url))
    opened.goto(server.url)
    yield opened
    opened.close()
    assert not problems
    assert all(address.startswith(server.url) for address in addresses)


def read(page: Any, text: str) -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.keyboard.press("Control+Enter")
    page.get_by_role("status").get_by_text("Words read").wait_for()


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_a_text_is_read_and_words_are_chosen_by_the_keyboard(page: Any) -> None:
    assert focused(page) is None and page.evaluate("document.activeElement.id") == "text"
    read(page, TEXT)
    page.keyboard.press("Tab")  # to the button
    page.keyboard.press("Tab")  # to the choice
    page.keyboard.press("Tab")  # to the words
    assert focused(page).startswith("The, suspicion ") and focused(page).endswith(" %")
    page.keyboard.press("ArrowLeft")
    assert focused(page).startswith("The, ")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("key, ")
    page.keyboard.press("Enter")
    details = page.locator(".details").first
    details.get_by_role("heading", name="“key”").wait_for()
    assert details.get_attribute("role") == "status"
    assert details.locator("li").count() == 8
    assert "Suspicion " in details.inner_text() and "The generator expects in this place" in details.inner_text()
    assert focused(page).startswith("key, ")
    page.keyboard.press("End")
    assert focused(page).startswith(">, ")
    page.keyboard.press("Home")
    assert focused(page).startswith("The, ")


def test_markup_is_shown_and_not_run(page: Any) -> None:
    title = page.title()
    read(page, TEXT)
    for panel in page.locator(".reading").all():
        assert panel.evaluate("it => it.querySelectorAll('script, img').length") == 0
        assert panel.evaluate("it => it.textContent.replace(/[0-9]+/g, '')") == TEXT
    assert page.title() == title


def test_two_models_stand_side_by_side(page: Any) -> None:
    read(page, "今天气很好 key")
    first, second = page.locator(".model").all()
    assert second.locator(".word").count() == 6
    second.get_by_role("button", name="气, suspicion").click()
    second.get_by_role("heading", name="“气”").wait_for()
    assert second.locator(".details li").count() == 8
    assert first.locator(".details h3").count() == 1


def test_scores_are_also_numbers(page: Any) -> None:
    read(page, "The key is not found.")
    score = page.locator(".score").first
    assert not score.is_visible()
    page.get_by_label("Show the suspicion of every token as a number").check()
    assert score.is_visible() and score.inner_text().isdigit()
    lines = page.locator(".ranking").first.locator("li")
    assert lines.count() == 6 and all(line.endswith(" %") for line in lines.all_inner_texts())


def test_the_page_fits_a_phone(page: Any) -> None:
    read(page, "The " + "abcdefghij" * 30 + " key.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_refused_is_said(page: Any) -> None:
    page.get_by_label("Text", exact=True).fill("a " * 40_000)
    page.get_by_role("button", name="Find suspicious words").click()
    page.get_by_text("The text is too long").wait_for()
    page.get_by_label("Text", exact=True).fill(" ")
    page.get_by_role("button", name="Find suspicious words").click()
    page.get_by_text("The text has no words.").wait_for()


def test_names_of_models_are_escaped(reader: Proofreader) -> None:
    named = replace(reader, source=replace(reader.source, name="<script>x</script>"))
    kind, content = site([named]).files["/"]
    assert kind == "text/html"
    assert "<script>x" not in content and "&lt;script&gt;x" in content


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(run: Path) -> None:
    command = [sys.executable, "-u", "-m", "launch.cli", "try", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:") and str(run) in line
        os.kill(process.pid, signal.SIGINT)
        assert process.wait() == 0
