"""The demo reads real English text that every machine with Python has.

The text is the documentation inside Python's library and inside the installed packages.

Docstrings are read from the source files, which are never imported.
"""

from __future__ import annotations

import ast
import sysconfig
import textwrap
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from pydoc_data import topics

from configs.common.files import write_text

# Shorter docstrings are left out, because they are labels rather than text.
_SHORTEST_CHARACTERS = 200
# The demo reads about this much text in its thousand steps. Parsing it takes 20 seconds.
_LARGEST_BYTES = 6_000_000
_LARGEST_PER_PACKAGE = 600_000


def collect(folder: Path) -> int:
    """Write one file per package into `folder`, with a blank line between documents, and return the bytes written."""
    folder.mkdir(parents=True)
    seen: set[str] = set()
    total = 0
    for name, documents in _packages():
        text = _file_of(documents, seen)
        if text:
            write_text(folder / f"{name}.txt", text)
            total += len(text.encode())
        if total > _LARGEST_BYTES:
            break
    return total


def _packages() -> Iterator[tuple[str, Iterator[str]]]:
    library = Path(sysconfig.get_paths()["stdlib"])
    yield "python-topics", iter(topics.topics.values())
    yield "python-library", _docstrings(path for path in sorted(library.glob("[a-z]*/**/*.py")) if _is_library(path))
    yield "python-modules", _docstrings(sorted(library.glob("*.py")))
    for distribution in sorted(metadata.distributions(), key=lambda item: item.metadata["Name"].lower()):
        yield distribution.metadata["Name"].lower(), _of_distribution(distribution)


def _is_library(path: Path) -> bool:
    return not {"site-packages", "test", "tests", "lib2to3"} & set(path.parts)


def _of_distribution(distribution: metadata.Distribution) -> Iterator[str]:
    """Yield the description, the licences and the docstrings of a package."""
    yield distribution.metadata["Description"] or ""
    files = distribution.files or []
    for file in files:
        if "licens" in file.name.lower() and file.suffix in ("", ".txt", ".md", ".rst"):
            yield Path(str(file.locate())).read_text(encoding="utf-8", errors="ignore")
    yield from _docstrings(Path(str(file.locate())) for file in files if file.suffix == ".py")


def _docstrings(paths: Iterator[Path] | list[Path]) -> Iterator[str]:
    for path in paths:
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # The file is a template, or a test input that is not valid Python.
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""


def _file_of(documents: Iterator[str], seen: set[str]) -> str:
    """Join the documents that are long enough and in no earlier package. Each paragraph becomes one line."""
    parts: list[str] = []
    size = 0
    for document in documents:
        text = _paragraphs(document)
        if len(text) >= _SHORTEST_CHARACTERS and text not in seen:
            seen.add(text)
            parts.append(text)
            size += len(text)
        if size > _LARGEST_PER_PACKAGE:
            break
    return "\n\n".join(parts) + "\n" if parts else ""


def _paragraphs(document: str) -> str:
    blocks = textwrap.dedent(document).split("\n\n")
    return "\n".join(line for block in blocks if (line := " ".join(block.split())))
