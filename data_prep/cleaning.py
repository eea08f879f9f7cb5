"""Which documents are left out, and what is hidden in those that stay: filters by name, and personal data."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from datatrove.data import Document
from datatrove.pipeline import filters as theirs
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result

from configs.common.errors import UserError, nearest
from configs.corpus_tables import Data, Filter


class Length(BaseFilter):
    """Documents of `shortest` to `longest` characters."""

    def __init__(self, shortest: int = 0, longest: int = 2**63):
        super().__init__()
        self.shortest, self.longest = shortest, longest

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        if len(doc.text) < self.shortest:
            return False, f"shorter than {self.shortest} characters"
        return len(doc.text) <= self.longest or (False, f"longer than {self.longest} characters")


class Language(BaseFilter):
    """Documents in one of `languages` (ISO 639 codes), by py3langid's model; `confidence` is the least that counts."""

    _READ = 2000  # characters of a document, which tell its language as well as all of them

    def __init__(self, languages: list[str], confidence: float = 0.5):
        super().__init__()
        self.languages, self.confidence = languages, confidence
        self._classify: Callable[[str], tuple[str, float]] | None = None

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        self._classify = self._classify or self._load()
        language, confidence = self._classify(doc.text[: self._READ])
        if confidence < self.confidence:
            return False, "in no language for certain"
        return language in self.languages or (False, f"in the language {language}")

    @staticmethod
    def _load() -> Callable[[str], tuple[str, float]]:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True).classify


_OURS: dict[str, type[BaseFilter]] = {"Length": Length, "Language": Language}

# What identifies a person, and what stands for it when it is hidden.
_PERSONAL: dict[str, tuple[re.Pattern[str], str]] = {
    "e-mail address": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), "email@example.com"),
    # China's resident identity number, with its date of birth; a social security number of the USA
    "identity number": (
        re.compile(
            r"(?<!\d)(?:[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx]|\d{3}-\d{2}-\d{4})(?!\d)"
        ),
        "000000000000000000",
    ),
    # with a country's code; China's mobile numbers; North America's form
    "telephone number": (
        re.compile(
            r"(?<![\dA-Za-z+.])(?:\+\d{1,3}(?:[ .-]?\d){7,12}|1[3-9]\d{9}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?!\d)"
        ),
        "000-000-0000",
    ),
}


class Clean(PipelineStep):
    """Marks what is left out with its reason (metadata `dropped`), and counts or hides personal data (`personal`)."""

    type = "CLEANER"
    name = "filters and personal data"

    def __init__(self, data: Data):
        super().__init__()
        self.data = data

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        filters = build(self.data)
        for document in data:
            document.metadata |= {"dropped": _reason(document, filters), "personal": {}}
            if self.data.personal_data != "ignore" and not document.metadata["dropped"]:
                self._look_for_persons(document)
            yield document

    def _look_for_persons(self, document: Document) -> None:
        found: Counter[str] = Counter()
        for kind, (pattern, instead) in _PERSONAL.items():
            text, number = pattern.subn(instead, document.text)
            found[kind] += number
            if self.data.personal_data == "redact":
                document.text = text
        document.metadata["personal"] = dict(+found)


def _reason(document: Document, filters: list[tuple[str, BaseFilter]]) -> str:
    """Why a document is left out; empty when it stays. One without text has nothing to be filtered by."""
    if not document.text:
        return ""
    for name, filter in filters:
        kept, reason = get_filter_result(filter.filter(document))
        if not kept:
            return f"{name}: {reason}" if reason else name
    return ""


def build(data: Data) -> list[tuple[str, BaseFilter]]:
    """The filters of a recipe; raises UserError for an unknown name or argument."""
    return [(filter.name, _build(number, filter)) for number, filter in enumerate(data.filters)]


def _build(number: int, filter: Filter) -> BaseFilter:
    known = {name: getattr(theirs, name) for name in dir(theirs) if name.endswith("Filter")} | _OURS
    key = f"data.filters.{number}"
    if filter.name not in known:
        hint = nearest(filter.name, known) or f"; there are {', '.join(known)}"
        raise UserError(f"{key}.name: no such filter as {filter.name}{hint}")
    arguments = filter.model_extra or {}
    wanted = inspect.signature(known[filter.name]).parameters
    for argument in arguments:
        if argument not in wanted:
            hint = nearest(argument, wanted) or f"; {filter.name} has {', '.join(wanted)}"
            raise UserError(f"{key}.{argument}: unknown key{hint}")
    try:
        return known[filter.name](**arguments)
    except (TypeError, ValueError, AssertionError) as error:
        raise UserError(f"{key}: {filter.name} cannot be made ({error})") from None
