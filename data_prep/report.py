"""The report on the content of a corpus, for people: report.json, and the same report as a page, report.html."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from configs.common.files import write_json, write_text
from configs.common.pages.figures import Figure, bars, can_draw
from configs.common.pages.rendering import render
from configs.common.secrets import without_secrets
from configs.recipe import CorpusRecipe
from configs.vocabulary.tokenizer import entries_of
from data_prep import vocabulary
from data_prep.counts import TaskReport, by_reason
from data_prep.row_view import Piece, pieces_of
from data_prep.rows import Planes, unpack
from data_prep.shards import draw_masks

_MOST_UNKNOWN, _MOST_TERMS, _SAMPLES, _SAMPLE_ROWS = 100, 50, 5, 5


def write(out: Path, recipe: CorpusRecipe, total: TaskReport, warnings: list[str]) -> None:
    """Write report.json and report.html into the corpus folder."""
    summary = {**summarize(recipe, total), "warnings": [without_secrets(sentence) for sentence in warnings]}
    write_json(out / "report.json", summary)
    page = facts(summary, _sample_rows(out, recipe, total))
    write_text(out / "report.html", render("data_prep", "report.html", page))


def facts(summary: dict[str, Any], sample_rows: list[list[Piece]]) -> dict[str, Any]:
    """Collect everything that the page shows; `summary` is the content of report.json."""
    return {"title": "Corpus report", **summary, "sample_rows": sample_rows, "figures": _figures(summary)}


def _figures(summary: dict[str, Any]) -> list[Figure]:
    """Draw the lengths of the examples. Without matplotlib, which is optional, the page shows them as a table alone."""
    if not can_draw():
        return []
    bins = summary["example_lengths"]
    edges, counts = [0, *(entry["to"] for entry in bins)], [entry["examples"] for entry in bins]
    text = f"Length of examples in tokens: {_most_frequent(bins)}"
    return [bars("Examples by length", "tokens", edges, counts, text)]


def _most_frequent(bins: list[dict[str, int]]) -> str:
    most = max(bins, key=lambda entry: entry["examples"])
    share = most["examples"] / max(1, sum(entry["examples"] for entry in bins))
    return f"{share:.0%} have {most['from']} to {most['to']} tokens, more than any other range of this size"


def _sample_rows(out: Path, recipe: CorpusRecipe, total: TaskReport) -> list[list[Piece]]:
    """Return some rows of the first shard, evenly spaced, with their first masking."""
    shard = total.shards["train"][0]
    tokenizer = vocabulary.load(out)
    special, words = vocabulary.special_tokens(tokenizer, out), entries_of(tokenizer)
    numbers = np.linspace(0, shard["rows"] - 1, min(_SAMPLE_ROWS, shard["rows"])).astype(int)
    rows = np.load(out / shard["file"], mmap_mode="r", allow_pickle=False)[numbers]
    planes = Planes.of(rows, special)
    if recipe.masking.stored:
        masks = unpack(rows["masks"][:, 0])
    else:
        first, of_shard = np.array([0]), np.array([shard["number"]])
        masks = draw_masks(planes, recipe.masking, recipe.seed, "train", first, of_shard, numbers)
    return [pieces_of(planes, masks, row, words) for row in range(len(rows))]


def summarize(recipe: CorpusRecipe, total: TaskReport) -> dict[str, Any]:
    """Return the content of report.json without the warnings."""
    num_tokens = sum(total.tokens.values())
    return {
        "recipe": recipe.name,
        "sources": [
            {
                "path": without_secrets(source.path),
                "format": source.format,
                "weight": source.weight,
                "licence": source.licence,
                "documents": total.documents.get(str(number), 0),
                "bytes": total.bytes.get(str(number), 0),
            }
            for number, source in enumerate(recipe.data.sources)
        ],
        "rows": total.num_rows,
        "tokens": num_tokens,
        "row_length": recipe.data.row_length,
        "rows_filled": num_tokens / (sum(total.num_rows.values()) * recipe.data.row_length),
        "examples": sum(total.examples.values()),
        "example_lengths": _histogram(total.example_lengths, recipe.data.row_length),
        "masking": recipe.masking.model_dump(mode="json"),
        "masked_share": {number: count / num_tokens for number, count in sorted(total.masked_tokens.items())},
        "invalid_sequences": total.invalid_sequences,
        "skipped": [
            {
                "reason": reason,
                "count": number,
                "samples": [without_secrets(sentence) for sentence in total.skipped_samples[reason][:_SAMPLES]],
            }
            for reason, number in total.skipped.most_common()
        ],
        "num_skipped": sum(total.skipped.values()),
        "dropped": [
            {"reason": reason, "documents": number, "samples": total.dropped_samples[reason][:_SAMPLES]}
            for reason, number in total.dropped.most_common()
        ],
        "deduplicate": recipe.data.deduplicate,
        "repeated": total.repeated,
        "personal_data": dict(total.personal),
        "redacted": recipe.data.personal_data == "redact",
        "terms": dict(total.terms.most_common(_MOST_TERMS)),
        "num_terms": sum(total.terms.values()),
        "unknown_tokens": total.unknown_tokens,
        "unknown_share": total.unknown_tokens / num_tokens,
        "unknown_characters": dict(
            sorted(total.unknown_characters.items(), key=lambda e: (-e[1], e[0]))[:_MOST_UNKNOWN]
        ),
    }


def left_out(summary: dict[str, Any]) -> str:
    """Return how many records and files were not read and why, or "" if everything was read.

    `summary` is the content of report.json.
    """
    return by_reason({entry["reason"]: entry["count"] for entry in summary["skipped"]})


def _histogram(lengths: Counter[str], row_length: int, bins: int = 16) -> list[dict[str, int]]:
    """Count examples by length, in bins of row_length / 16 tokens."""
    borders = np.linspace(0, row_length, bins + 1).astype(int)
    values = np.array([int(length) for length in lengths])
    counts, _ = np.histogram(values, bins=borders + 1, weights=np.array(list(lengths.values())))
    return [
        {"from": int(low) + 1, "to": int(high), "examples": int(count)}
        for low, high, count in zip(borders, borders[1:], counts, strict=False)
    ]
