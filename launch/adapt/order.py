"""What the user asks `electra adapt` for, and where each result lies in the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.folders import CORPUS_MANIFEST, TOKENIZER_FILE
from configs.load import assignments, read, read_stated

# The tables of a recipe that decide about a corpus. A run takes them from its corpus.
_OF_CORPORA = ("data", "vocabulary", "masking")
_SEED = "seed"


@dataclass(frozen=True)
class Order:
    model: str
    text: tuple[str, ...]  # the text of the domain, each as `data.sources` takes it
    out: Path
    recipe: str = "adapt"
    overrides: tuple[str, ...] = ()
    general: str | None = None  # general text, or the folder of a prepared corpus
    mix: float | None = None  # how many times a document of the general text is trained on, on average
    tasks: tuple[Path, ...] = ()
    rows: int = 1000  # held-out rows of each corpus that are scored
    seeds: int = 5
    task_keys: tuple[str, ...] = ()

    @property
    def domain_corpus(self) -> Path:
        return self.out / "domain"

    @property
    def general_corpus(self) -> Path | None:
        if self.general is None:
            return None
        return Path(self.general) if self.general_is_prepared else self.out / "general"

    @property
    def general_is_prepared(self) -> bool:
        folder = Path(self.general or "")
        return (folder / CORPUS_MANIFEST).is_file() and (folder / TOKENIZER_FILE).is_file()

    @property
    def mixture(self) -> Path:
        return self.out / "mixture"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def models(self) -> Path:
        return self.out / "models"

    @property
    def corpora(self) -> list[Path]:
        """The corpora whose held-out rows are scored."""
        return [self.domain_corpus, *([self.general_corpus] if self.general_corpus else [])]

    def scores(self, name: str) -> Path:
        """The file with the scores `name`: of the model `before`, `after`, or after with its `own` generator."""
        return self.out / "scores" / f"{name}.json"

    def tokens(self, name: str) -> Path:
        return self.out / "scores" / f"{name}-tokens.jsonl"

    def task_results(self, task: Path) -> Path:
        return self.out / "tasks" / f"{task.resolve().name}.json"

    @property
    def page(self) -> Path:
        return self.out / "report.html"

    @property
    def tables(self) -> dict[str, Any]:
        """The tables of the recipe, not yet checked."""
        return read(self.recipe, self.overrides)

    @property
    def extends_vocabulary(self) -> bool:
        return bool(self.tables.get("vocabulary", {}).get("extend"))

    def corpus_overrides(self, *, without_extension: bool = False) -> list[str]:
        overrides = [override for override in self.overrides if _table(override) in (*_OF_CORPORA, _SEED)]
        if not without_extension:
            return overrides
        # The recipe file may extend the vocabulary too.
        others = (override for override in overrides if override.partition("=")[0].strip() != "vocabulary.extend")
        return [*others, "vocabulary.extend=0"]

    def training_overrides(self) -> list[str]:
        return [override for override in self.overrides if _table(override) not in _OF_CORPORA]

    def domain_sources(self) -> str:
        return _override(self.text)

    def general_sources(self) -> str:
        assert self.general
        return _override((self.general,))

    def mixture_sources(self) -> str:
        """The text of the domain, and the general text with the weight `mix`."""
        assert self.general and self.mix
        general = [source | {"weight": self.mix * source.get("weight", 1.0)} for source in _sources((self.general,))]
        return f"data.sources={_toml([*_sources(self.text), *general])}"

    def refuse_sources(self) -> None:
        """Raise UserError when an override or the recipe file of the user states sources, because --text does."""
        if read_stated(self.recipe, self.overrides).get("data", {}).get("sources"):
            raise UserError("data.sources: --text and --general name the text here; leave data.sources out")


def _table(override: str) -> str:
    return override.partition("=")[0].partition(".")[0].strip()


def _override(texts: tuple[str, ...]) -> str:
    """The override for these texts: a single text as the user wrote it, several as a list."""
    return f"data.sources={_quoted(texts[0]) if len(texts) == 1 else _toml(_sources(texts))}"


def _sources(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """The tables of sources that the texts stand for."""
    values = (assignments([f"sources={_quoted(text)}"])["sources"] for text in texts)
    entries = (entry for value in values for entry in (value if isinstance(value, list) else [value]))
    return [dict(entry) if isinstance(entry, Mapping) else {"path": str(entry)} for entry in entries]


def _quoted(text: str) -> str:
    """The text as it is, but in quotes where TOML would read something else than a path, as in 2024_01."""
    value = assignments([f"sources={text}"])["sources"]
    return text if isinstance(value, str | list | Mapping) else json.dumps(text)


def _toml(sources: list[dict[str, Any]]) -> str:
    """The sources as a list of TOML tables in one line. Strings of JSON are strings of TOML too."""
    tables = (
        ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in source.items())
        for source in sources
    )
    return f"[{', '.join(f'{{{table}}}' for table in tables)}]"
