"""Makes the pictures of README.md from the folder of `make demo`: `python -m docs.pictures demo docs/images`.

It needs Chromium.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from rich.console import Console

from configs.common.files import write_text
from pretrain.run.live import Panel
from pretrain.watch.history import History, read_history

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_COLUMNS = 110
_WIDTH, _HEIGHT = 1000, 1200
_SENTENCE = "Return the name of the file that was banana for reading."
_WRONG_WORD = "banana"
_LONGEST_WAIT = 120_000  # milliseconds


def draw(demo: Path, images: Path) -> None:
    """Write all pictures into the folder `images`."""
    run = demo / "run"
    draw_panel(read_history(run), images / "terminal.svg")
    with browser() as opened:
        draw_page(opened, _address(run / "report.html"), images / "report.png")
        draw_page(opened, _address(demo / "corpus" / "report.html"), images / "corpus.png")
        with served(["tensorboard", "--logdir", str(run / "tensorboard"), "--port", "0"]) as address:
            draw_page(opened, f"{address}#custom_scalars", images / "tensorboard.png", _wait_for_charts)
        with served(["electra", "try", str(run), "--port", "0"]) as address:
            draw_page(opened, address, images / "try.png", _read_a_sentence)


def draw_panel(run: History, picture: Path) -> None:
    """Draw the panel of a terminal as it was at the last evaluation but one.

    Letters stay text, which can be copied and read aloud.
    """
    evaluation = run.evaluations("evaluation")[-2]
    step = evaluation["step"]
    seen = [line for line in run.metrics if line["step"] <= step]
    verdict = History(run.folder, run.recipe, run.starts, seen).verdict()
    panel = Panel(
        f"{run.recipe.name}: {run.folder}",
        run.recipe.schedule.steps,
        run.recipe.batch.rows_before,
        step,
        checkpoint=step - step % run.recipe.run.save_every,
        training=next(line for line in reversed(seen) if line["kind"] == "training"),
        held_out={"held out": (step, evaluation)},
        health=verdict.summary,
        is_ill=verdict.is_ill,
    )
    console = Console(record=True, width=_COLUMNS, file=StringIO())
    console.print(panel)
    # rich names a font of another site, which a picture should not load.
    svg = re.sub(r"@font-face\s*{[^}]*}", "", console.export_svg(title="electra pretrain"))
    write_text(picture, svg)


def draw_page(
    browser: Browser, address: str, picture: Path, wait: Callable[[Page], object] = lambda page: None
) -> None:
    """Draw the upper part of a page. `wait` returns when the page is ready."""
    page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
    page.goto(address, timeout=_LONGEST_WAIT)
    wait(page)
    page.screenshot(path=picture, scale="css")
    page.close()
    # A page has few colours, so the file becomes half as large.
    Image.open(picture).convert("RGB").quantize(256).save(picture, optimize=True)


@contextmanager
def served(command: Sequence[str]) -> Iterator[str]:
    """Start a command that serves pages and prints their address, and end it afterwards."""
    with subprocess.Popen(_program(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout
        try:
            found = (re.search(r"http://[^\s)]+", line) for line in server.stdout)
            yield next(address[0] for address in found if address)
        finally:
            server.terminate()


@contextmanager
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        # Chromium does not start in its sandbox for root.
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def _wait_for_charts(page: Page) -> None:
    page.get_by_text("Losses").first.wait_for(timeout=_LONGEST_WAIT)
    page.wait_for_timeout(5_000)  # the charts appear one by one


def _read_a_sentence(page: Page) -> None:
    page.set_default_timeout(_LONGEST_WAIT)
    page.get_by_label("Text", exact=True).fill(_SENTENCE)
    page.get_by_label("Show the suspicion").check()
    page.get_by_role("button", name="Find suspicious words").click()
    page.get_by_role("status").get_by_text("Words read").wait_for()
    page.get_by_role("button", name=f"{_WRONG_WORD}, suspicion").click()
    page.get_by_role("heading", name=f"“{_WRONG_WORD}”").wait_for()


def _program(command: Sequence[str]) -> list[str]:
    """Return the command with the program of this Python's environment."""
    return [str(Path(sys.executable).parent / command[0]), *command[1:]]


def _address(page: Path) -> str:
    return page.absolute().as_uri()


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
