"""The examples on the pages of docs/use, run in order as a reader pastes them.

python -m docs.examples demo/models     # writes the outputs of the models of `make demo` into the pages
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from launch.cli import app

PAGES = sorted((Path(__file__).parent / "use").glob("*.md"))
# A block of code, and the block of output that follows it. An output marked as `text` is the same for every model,
# except for its numbers.
_EXAMPLE = re.compile(r"^```(python|sh)\n(.*?)^```\n(?:\n```(text)?\n(.*?)^```\n)?", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A block that was run, with the output that the page shows, if it shows one, and the output of this run."""

    shown: str | None
    place: slice  # where the page has `shown`
    same_words: bool  # whether every model prints the same, except for numbers
    printed: str


def run_page(text: str, folder: Path) -> Iterator[Example]:
    """Run the Python blocks and the `electra` lines of a page in `folder`, which holds `models`.

    Other commands, such as those that install a package, are left out. The Python blocks share one namespace.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    electra = typer.main.get_command(app)
    for block in _EXAMPLE.finditer(text):
        language, code = block.group(1, 2)
        with chdir(folder), redirect_stdout(io.StringIO()) as printed:
            _python(code, namespace) if language == "python" else _commands(code, electra)
        yield Example(block.group(4), slice(*block.span(4)), bool(block.group(3)), printed.getvalue())


def _python(code: str, namespace: dict[str, Any]) -> None:
    exec(compile(code, "an example of docs/use", "exec"), namespace)


def _commands(code: str, command: Any) -> None:
    for line in code.replace("\\\n", " ").splitlines():
        if line.startswith("electra "):
            command(shlex.split(line, comments=True)[1:], standalone_mode=False)


def with_outputs(text: str, models: Path) -> str:
    """The text of a page with the outputs that `models` give."""
    from deepspeed.accelerator import get_accelerator

    get_accelerator()  # prints a line when it is first called, which belongs to no example
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(models, Path(folder) / "models")
        examples = [*run_page(text, Path(folder))]
    for example in reversed(examples):
        if example.shown is not None:
            printed = "".join(line.rstrip() + "\n" for line in example.printed.splitlines())
            text = text[: example.place.start] + printed + text[example.place.stop :]
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_outputs(page.read_text(encoding="utf-8"), Path(sys.argv[1])), encoding="utf-8")
