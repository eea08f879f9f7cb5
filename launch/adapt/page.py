"""The page of an adaptation, report.html: the inputs, the results, and the commands that repeat each part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.common.files import read_json, write_text
from configs.common.pages.rendering import render
from configs.common.secrets import without_secrets
from configs.folders import CORPUS_MANIFEST, PROVENANCE
from launch.adapt.checks import Checked
from launch.adapt.comparison import corpus_scores, task_scores
from launch.adapt.figures import intervals_of_scores, pairs_of_tasks
from launch.adapt.minds import Row, changed_sentences, changed_words, read_rows
from launch.adapt.order import Order
from launch.adapt.parts import Part
from launch.adapt.record import Record

_MOST_SENTENCES, _MOST_WORDS, _MOST_ADDED = 4, 12, 100


def write_page(order: Order, checked: Checked, parts: Sequence[Part], record: Record) -> None:
    write_text(order.page, render("launch", "adaptation.html", facts(order, checked, parts, record)))


def facts(order: Order, checked: Checked, parts: Sequence[Part], record: Record) -> dict[str, Any]:
    """Collect everything that the page shows from the results of the parts."""
    from pretrain.watch.curves import score_figures
    from pretrain.watch.history import read_history

    rows = read_rows(order.tokens("before"), order.tokens("after")) if checked.detects else []
    scores = corpus_scores(order, rows, tests_with_model=checked.tests_with_model)
    tasks = task_scores(order)
    provenance = read_json(order.run / PROVENANCE)
    return {
        "title": f"Adaptation of {without_secrets(order.model)}",
        "verdicts": [
            *(sentence for corpus in scores for sentence in (corpus.verdict, corpus.generator_verdict) if sentence),
            *(task.verdict for task in tasks),
        ],
        "model": without_secrets(order.model),
        "model_sha256": checked.fingerprint,
        "parameters": checked.parameters,
        "recipe": order.recipe,
        "overrides": order.overrides,
        "recipe_sha256": provenance["recipe"],
        "steps": checked.recipe.schedule.steps,
        "batch_rows": checked.recipe.batch.rows,
        "learning_rate": checked.recipe.optimizer.learning_rate,
        "corpora": [_corpus(name, folder) for name, folder in _corpora(order).items()],
        "start": provenance["starts"][-1],
        "num_starts": len(provenance["starts"]),
        "weights": next((start["init_from"] for start in provenance["starts"] if "init_from" in start), None),
        "curves": score_figures([read_history(order.run)]),
        "scores": scores,
        "tests_with_model": checked.tests_with_model,
        "detects": checked.detects,
        "intervals": intervals_of_scores(scores),
        "tasks": tasks,
        "pairs": pairs_of_tasks(tasks),
        "added": _added_words(order.domain_corpus)[:_MOST_ADDED],
        "num_added": len(_added_words(order.domain_corpus)),
        "minds": [
            _changes(name, [row for row in rows if row.corpus == str(folder)])
            for name, folder in zip(("your text", "general text"), order.corpora, strict=False)
            if rows
        ],
        "models": order.models,
        "parts": [
            {"part": part, "command": without_secrets(part.command), "seconds": _seconds(record, part)}
            for part in parts
        ],
    }


def _corpora(order: Order) -> dict[str, Path]:
    named = {"your text": order.domain_corpus}
    if order.general_corpus:
        named["general text"] = order.general_corpus
    return named | ({"mixture, which was trained on": order.mixture} if order.mix else {})


def _corpus(name: str, folder: Path) -> dict[str, Any]:
    manifest = read_json(folder / CORPUS_MANIFEST)
    sources = [source | {"path": without_secrets(source["path"])} for source in manifest["sources"]]
    kept = {key: manifest[key] for key in ("rows", "tokens", "sha256", "vocabulary")}
    return {"name": name, "folder": folder, "sources": sources, **kept}


def _added_words(corpus: Path) -> list[list[str]]:
    """The lines of vocab_added.tsv: word, id, occurrences and word pieces."""
    file = corpus / "vocab_added.tsv"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line.split("\t") for line in lines[1:]]


def _changes(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    better, worse = changed_sentences(rows, _MOST_SENTENCES)
    familiar, suspicious = changed_words(rows, _MOST_WORDS)
    shown = [token for sentence in (*better, *worse) for token in sentence.tokens]
    # The shades are relative, because a discriminator that was trained little gives no token a high probability.
    darkest = max((max(token.before, token.after) for token in shown), default=1.0)
    groups = (("judged better after adaptation", better), ("judged worse after adaptation", worse))
    return {"name": name, "groups": groups, "familiar": familiar, "suspicious": suspicious, "darkest": darkest}


def _seconds(record: Record, part: Part) -> float | None:
    entry = record.parts.get(part.name)
    return entry.seconds if entry and entry.result else None
