"""Files of a word and its tag in each line, as CoNLL's shared tasks have them, become records of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DOCUMENT_START = "-DOCSTART-"
# The names of the first column in a file with a header.
_HEADER_WORDS = frozenset(("token", "tokens", "word", "words", "text", "form"))
_HEADER_TAGS = frozenset(("tag", "tags", "ner", "ner_tag", "ner_tags", "label", "labels", "pos", "upos", "entity"))
# CoNLL-U has ten columns, of which the fourth is the part of speech.
_CONLLU_COLUMNS, _CONLLU_TAG = 10, 3
_MOST_COLUMNS = 20


def looks_like_columns(text: str) -> bool:
    """Whether lines are short columns, in sentences with blank lines between them, or with their markers."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith(_DOCUMENT_START) or _is_header(_cells(first)):
        return True
    blank_between = any(not line.strip() for line in lines[: len(text.rstrip().splitlines())])
    widths = {len(_cells(line)) for line in lines if line.strip() and not line.startswith("#")}
    return blank_between and len(widths) == 1 and 2 <= widths.pop() <= _MOST_COLUMNS


def column_records(text: str) -> Iterator[dict[str, Any]]:
    """Make a record {tokens, tags} of each sentence. It has no `tags` if the file has a single column.

    The first column is the word and the last its tag. Lines that begin a document, comments of CoNLL-U and a header
    are left out. Raises ValueError for a line with another number of columns.
    """
    width, sentence = 0, list[list[str]]()
    for number, line in enumerate(text.splitlines(), 1):
        cells = _cells(line)
        if not line.strip() or cells[0] == _DOCUMENT_START:
            if sentence:
                yield _record(sentence)
            sentence = []
        elif _is_left_out(line, cells, is_first=width == 0):
            continue
        else:
            width = width or len(cells)
            if len(cells) != width:
                raise ValueError(f"line {number} has {len(cells)} columns, and the lines before have {width}")
            sentence.append(cells)
    if sentence:
        yield _record(sentence)


def _cells(line: str) -> list[str]:
    """Cells are separated by tabs, or by blanks where there is no tab. A word may be a wide or no-break space."""
    return line.strip("\r\n").split("\t") if "\t" in line else re.split(" +", line.strip(" \r\n"))


def _is_header(cells: list[str]) -> bool:
    return len(cells) > 1 and cells[0].lower() in _HEADER_WORDS and cells[-1].lower() in _HEADER_TAGS


def _is_left_out(line: str, cells: list[str], *, is_first: bool) -> bool:
    """Whether a line is a header, a comment such as `# sent_id = 1`, or a range of words of CoNLL-U (1-2)."""
    if is_first and _is_header(cells):
        return True
    is_comment = line.startswith("# ") and len(cells) != 2
    return is_comment or (len(cells) == _CONLLU_COLUMNS and re.fullmatch(r"\d+[-.]\d+", cells[0]) is not None)


def _record(sentence: list[list[str]]) -> dict[str, Any]:
    width = len(sentence[0])
    is_conllu = width == _CONLLU_COLUMNS and all(cells[0].isdecimal() for cells in sentence)
    word, tag = (1, _CONLLU_TAG) if is_conllu else (0, -1)
    tokens = [cells[word] for cells in sentence]
    return {"tokens": tokens} if width == 1 else {"tokens": tokens, "tags": [cells[tag] for cells in sentence]}
