"""MkDocs hooks: the documents in the root of the repository, and a page of all files, become pages of the site.

GitHub shows the same documents, so a link in them leads from file to file; here it is turned into a link between pages.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
ROOMS = ("configs", "data_prep", "pretrain", "launch")
# Documents outside docs/, and the page that each becomes.
DOCUMENTS = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
_LINK = re.compile(r"(?<=\]\()(?!https?://|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of docs/."""
    pages = {page: _text(ROOT / document) for document, page in DOCUMENTS.items()} | {"files.md": files_page()}
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a document to the pages of the documents that they name."""
    sources = {page: document for document, page in DOCUMENTS.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return link_pages(markdown, source, page.file.src_uri)


def link_pages(text: str, source: str, page: str) -> str:
    """`text` of the document `source` as the page `page`: both are paths, in the repository and in the site."""

    def replace(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link.group(1)))
        target_page = DOCUMENTS.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(target_page, posixpath.dirname(page) or ".")

    return _LINK.sub(replace, text)


def files_page() -> str:
    """Every module of the product with the first sentence of its docstring, by folder."""
    lines = ["# Files", "", "Every module with the first sentence of its docstring, as `make docs` finds it."]
    for folder in _folders():
        modules = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
        if modules:
            name = folder.relative_to(ROOT).as_posix()
            lines += [
                "",
                f"## {name}",
                "",
                f"{_summary(folder / '__init__.py')}",
                "",
                "| file | purpose |",
                "|---|---|",
            ]
            lines += [f"| `{path.name}` | {_summary(path)} |" for path in modules]
    return "\n".join(lines) + "\n"


def _folders() -> list[Path]:
    return [folder for room in ROOMS for folder in sorted({path.parent for path in (ROOT / room).rglob("*.py")})]


def _summary(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(_text(path))) or "" if path.is_file() else ""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
