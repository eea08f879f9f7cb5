"""Filters, which leave documents out, and the search for personal data in the documents that stay."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from datatrove.data import Document
from datatrove.pipeline import filters as datatrove_filters
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result

from configs.common.errors import UserError, unknown
from configs.corpus_tables import DataTable, FilterTable
from data_prep.document import SourceDocument


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
    """Documents in one of `languages` (ISO 639-1 codes); py3langid must be sure of it by `confidence` or more."""

    # The first characters of a document tell its language as well as the complete text.
    _NUM_CHARACTERS = 2000

    def __init__(self, languages: list[str], confidence: float = 0.5):
        super().__init__()
        if not isinstance(languages, list) or not languages:
            raise ValueError(f"languages: {languages!r} is no list of codes, such as ['en', 'de']")
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence: {confidence} is no share from 0 to 1")
        self.languages, self.confidence = languages, confidence
        self._classify: Callable[[str], tuple[str, float]] | None = None

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        self._classify = self._classify or self._load()
        language, confidence = self._classify(doc.text[: self._NUM_CHARACTERS])
        if confidence < self.confidence:
            return False, "in no language for certain"
        return language in self.languages or (False, f"in the language {language}")

    def _load(self) -> Callable[[str], tuple[str, float]]:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        for language in self.languages:
            if language not in identifier.nb_classes:
                raise ValueError(f"languages: {unknown('language', language, list(identifier.nb_classes))}")
        return identifier.classify


_TRIAL = "A text of two sentences is enough to try a filter.\nThis is the second one."
_OWN_FILTERS: dict[str, type[BaseFilter]] = {"Length": Length, "Language": Language}

# kind of personal data -> its pattern, and the text that replaces it
_PERSONAL_DATA: dict[str, tuple[re.Pattern[str], str]] = {
    "e-mail address": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), "email@example.com"),
    # the Chinese resident identity number, which contains a date of birth, and the US social security number
    "identity number": (
        re.compile(
            r"(?<!\d)(?:[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx]|\d{3}-\d{2}-\d{4})(?!\d)"
        ),
        "000000000000000000",
    ),
    # numbers with a country code, Chinese mobile numbers, and the form of North America
    "telephone number": (
        re.compile(
            r"(?<![\dA-Za-z+.])(?:\+\d{1,3}(?:[ .-]?\d){7,12}|1[3-9]\d{9}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?!\d)"
        ),
        "000-000-0000",
    ),
}


class Clean(PipelineStep):
    """Marks documents that are left out with the reason, and counts or hides personal data in the others."""

    type = "CLEANER"
    name = "filters and personal data"

    def __init__(self, data: DataTable):
        super().__init__()
        self.data = data

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:
        filters = build(self.data)
        for document in data:
            document.drop_reason = _reason(document, filters)
            if self.data.personal_data != "ignore" and not document.drop_reason:
                self._count_personal_data(document)
            yield document

    def _count_personal_data(self, document: SourceDocument) -> None:
        counts: Counter[str] = Counter()
        text = document.text
        for kind, (pattern, replacement) in _PERSONAL_DATA.items():
            # What one pattern has found is replaced for the next, so that a number in an address counts once.
            text, counts[kind] = pattern.subn(replacement, text)
        if self.data.personal_data == "redact":
            document.text = text
        document.personal_data = dict(+counts)


def _reason(document: Document, filters: list[tuple[str, BaseFilter]]) -> str:
    """Why a document is left out; empty when it stays. A document without text (token ids) is never filtered."""
    if not document.text:
        return ""
    for name, filter in filters:
        stays, reason = get_filter_result(filter.filter(document))
        if not stays:
            return f"{name}: {reason}" if reason else name
    return ""


def check(data: DataTable) -> None:
    """Try every filter of a recipe on a text, because datatrove imports what a filter needs at its first document.

    Raises UserError for an unknown name or argument, and for a filter that lacks a package, a download or a field.
    """
    for number, (name, filter) in enumerate(build(data)):
        try:
            filter.filter(Document(_TRIAL, "trial"))
        except Exception as error:  # as in _build
            cause = f"{type(error).__name__}: {error}"
            raise UserError(f"data.filters.{number}: {name} cannot be used here ({cause})") from None


def build(data: DataTable) -> list[tuple[str, BaseFilter]]:
    """The filters of a recipe; raises UserError for an unknown name or argument."""
    return [(filter.name, _build(number, filter)) for number, filter in enumerate(data.filters)]


def _build(number: int, filter: FilterTable) -> BaseFilter:
    filters = {name: getattr(datatrove_filters, name) for name in dir(datatrove_filters) if name.endswith("Filter")}
    filters |= _OWN_FILTERS
    key = f"data.filters.{number}"
    if filter.name not in filters:
        raise UserError(f"{key}.name: {unknown('filter', filter.name, filters)}")
    arguments = filter.model_extra or {}
    parameters = inspect.signature(filters[filter.name]).parameters
    for argument in arguments:
        if argument not in parameters:
            raise UserError(f"{key}: {unknown('key', argument, parameters)}")
    if "seed" in parameters and arguments.get("seed") is None:
        # The text is read more than once, and another draw each time would keep other documents.
        raise UserError(f"{key}: {filter.name} draws at random; state its seed, such as seed=1")
    try:
        return filters[filter.name](**arguments)
    except Exception as error:  # The filters are another library's, so any exception is possible.
        raise UserError(f"{key}: {filter.name} cannot be made ({error})") from None
