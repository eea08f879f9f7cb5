"""A run takes some tables of its recipe from the corpus, and refuses a key for which the user states another value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.recipe import CORPUS_TABLES, differences, flatten

# These keys say where text and lexicon came from. They may differ, because a corpus is known by its manifest.
_FREE_KEYS = {"data.sources", "masking.lexicon"}
# A recipe that trains a vocabulary accepts any vocabulary that the corpus has.
_FREE_WITH_TRAINING = {"vocabulary.source", "vocabulary.extend"}


def take_corpus_tables(
    tables: Mapping[str, Any], stated: Mapping[str, Any], corpus_tables: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    """Return the tables of a recipe, not yet checked, with the tables [data], [vocabulary] and [masking] of a corpus.

    `stated` holds the keys that the user wrote (`configs.load.read_stated`). Raises UserError if one of these keys
    contradicts the corpus. A stated key that no corpus has is kept, so that the later check of the recipe reports it.
    """
    _refuse_contradictions(stated, corpus_tables, folder)
    taken = dict(tables)
    for name in CORPUS_TABLES:
        table = stated.get(name)
        unknown = {k: v for k, v in table.items() if k not in corpus_tables[name]} if isinstance(table, dict) else {}
        taken[name] = {**corpus_tables[name], **unknown}
    return taken


def describe_taken(tables: Mapping[str, Any], corpus_tables: Mapping[str, Any], folder: Path) -> str:
    """Return a line for people with the keys whose values differ between corpus and recipe, or an empty text."""
    recipe_tables = {name: tables.get(name, {}) for name in CORPUS_TABLES}
    keys = [
        f"{key}={json.dumps(in_corpus, ensure_ascii=False)} (recipe: {json.dumps(in_recipe, ensure_ascii=False)})"
        for key, in_corpus, in_recipe in differences(dict(corpus_tables), recipe_tables)
        if key not in _FREE_KEYS and in_recipe is not None
    ]
    return f"taken from the corpus {folder}: {', '.join(keys)}" if keys else ""


def _refuse_contradictions(stated: Mapping[str, Any], corpus_tables: Mapping[str, Any], folder: Path) -> None:
    corpus_keys = flatten(dict(corpus_tables))
    stated_keys = flatten({name: stated[name] for name in CORPUS_TABLES if name in stated})
    free_keys = set(_FREE_KEYS)
    if stated_keys.get("vocabulary.source", "train") == "train":
        free_keys |= _FREE_WITH_TRAINING
    for key, value in stated_keys.items():
        if key in corpus_keys and key not in free_keys and corpus_keys[key] != value:
            raise UserError(
                f"{folder}: was prepared with {key} = {json.dumps(corpus_keys[key], ensure_ascii=False)}, and you "
                f"state {json.dumps(value, ensure_ascii=False)}; leave {key} out, or prepare another corpus"
            )
