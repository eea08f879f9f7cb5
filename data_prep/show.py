"""`electra inspect CORPUS` prints the numbers of a corpus, and rows as readable text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from configs.common import json_lines
from configs.common.files import read_json
from configs.vocabulary.tokenizer import entries_of
from data_prep import vocabulary
from data_prep.manifest import SPLITS, Split
from data_prep.report import left_out
from data_prep.row_view import Piece, pieces_of
from data_prep.rows import Planes
from data_prep.shards import Corpus

_COMMONEST = 20


def show_corpus(folder: Path, split: Split, first: int, count: int, *, verify: bool) -> None:
    """Print the numbers of a corpus, and `count` rows of a split from row `first`.

    Masked tokens are printed in reverse video, or in angle brackets if the output has no colour. Each example is on its
    own line.
    """
    corpus = Corpus(folder, verify=verify)
    console, report = Console(), read_json(folder / "report.json")
    console.print(f"corpus {folder}", highlight=False, markup=False, soft_wrap=True)
    _print_numbers(console, corpus, report)
    json_lines.write("corpus", **_facts(corpus, report))
    words = entries_of(vocabulary.load(folder))
    numbers = np.arange(first, min(first + count, corpus.num_rows(split)))
    rows, masks = corpus.read_masked(split, numbers, np.zeros_like(numbers))
    planes = Planes.of(rows, corpus.special)
    for index, number in enumerate(numbers):
        console.print(
            f"\n[bold]{split} row {number}[/bold]: {planes.lengths[index]} tokens, {masks[index].sum()} masked"
        )
        console.print(_row_text(pieces_of(planes, masks, index, words), colour=console.is_terminal))


def _facts(corpus: Corpus, report: dict) -> dict[str, Any]:
    """Return the values of `electra --json inspect`, whose keys docs/output.md lists."""
    manifest = corpus.manifest
    of_the_report = (
        *("rows_filled", "unknown_tokens", "unknown_share", "unknown_characters"),
        *("invalid_sequences", "num_skipped", "warnings"),
    )
    return {
        "corpus": str(corpus.folder),
        "rows": manifest.rows,
        "row_length": corpus.data.row_length,
        "tokens": manifest.tokens,
        "vocabulary": {"size": manifest.vocabulary.size, "sha256": manifest.vocabulary.sha256},
        "masking": corpus.masking.model_dump(mode="json"),
        "sources": [source.model_dump(mode="json") for source in manifest.sources],
        **{name: report[name] for name in of_the_report},
    }


def _print_numbers(console: Console, corpus: Corpus, report: dict) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for split in SPLITS:
        table.add_row(f"{split} rows", f"{corpus.num_rows(split):,} of {corpus.data.row_length} tokens")
    table.add_row("filled", f"{report['rows_filled']:.1%}")
    table.add_row("vocabulary", f"{corpus.vocabulary.size:,} entries, sha256 {corpus.manifest.vocabulary.sha256[:12]}")
    table.add_row(
        "masking", f"{corpus.masking.scheme}, {corpus.masking.rate:.0%} of the tokens, {corpus.masking.maskings}"
    )
    for source in corpus.manifest.sources:
        line = f"{source.path}: {source.documents:,} documents, {source.bytes / 1e6:.1f} MB"
        table.add_row("source", escape(line))
    table.add_row("unknown tokens", f"{report['unknown_tokens']:,} ({report['unknown_share']:.4%})")
    commonest = list(report["unknown_characters"].items())[:_COMMONEST]
    if commonest:
        table.add_row("unknown characters", "  ".join(f"{character} {number:,}" for character, number in commonest))
    if report["invalid_sequences"]:
        table.add_row("no text", f"{report['invalid_sequences']:,} byte sequences")
    if report["num_skipped"]:
        table.add_row("left out", left_out(report))
    console.print(table)


def _row_text(pieces: list[Piece], *, colour: bool) -> Text:
    """Return one row as text, with each example on its own line.

    Special tokens are dim ([UNK] is red), the second segment has another colour, and masked tokens are in reverse
    video. Without colour, masked tokens are in angle brackets.
    """
    text = Text()
    for number, piece in enumerate(pieces):
        if number and (piece.begins_example or piece.space_before):
            text.append("\n" if piece.begins_example else " ")
        style = "cyan" if piece.second_segment else ""
        if piece.special:
            style = "bold red" if piece.unknown else "dim"
        if piece.masked:
            style += " reverse"
        text.append(f"<{piece.text}>" if piece.masked and not colour else piece.text, style=style.strip())
    return text
