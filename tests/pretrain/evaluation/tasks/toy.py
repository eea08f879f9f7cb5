"""Invented tasks of every kind that a tiny model can learn, and the vocabulary of their texts."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from pretrain.evaluation.tasks.reading.task import LabelledExample, Relations, Task

WORDS = ("sun", "rain", "wind", "snow", "fog", "hail", "the", "a", "is", "was", "it", "then")


ENTRIES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *"abcdefghijklmnopqrstuvwxyz.", "##s", "##ing")


# A backbone that nobody trained learns from its first steps.
FAST = ("learning_rate=3e-3", "layer_decay=1.0", "epochs=6", "batch=16")


def sentences(number: int, seed: int) -> list[list[str]]:
    chooser = random.Random(seed)
    return [[chooser.choice(WORDS[1:]) for _ in range(8)] for _ in range(number)]


def classes(number: int, seed: int) -> list[dict[str, Any]]:
    """Whether it is sunny."""
    examples = []
    for place, words in enumerate(sentences(number, seed)):
        words[::2] = ["sun"] * 4 if place % 2 else words[::2]
        examples.append({"text": " ".join(words), "label": "sun" if place % 2 else "other"})
    return examples


def pairs(number: int, seed: int) -> list[dict[str, Any]]:
    """How often it is sunny in the second text."""
    examples = []
    for place, words in enumerate(sentences(number, seed)):
        words[: place % 5] = ["sun"] * (place % 5)
        examples.append({"sentence1": "the wind", "sentence2": " ".join(words), "score": float(place % 5)})
    return examples


def tags(number: int, seed: int) -> list[dict[str, Any]]:
    """Each word's own tag; the sentence is longer than a feature."""
    return [
        {"tokens": words * 2, "tags": ["B-day" if word in WORDS[:6] else "O" for word in words] * 2}
        for words in sentences(number, seed)
    ]


def questions(number: int, seed: int) -> list[dict[str, Any]]:
    """Where it is sunny; the context is longer than a window."""
    examples = []
    for place, words in enumerate(sentences(number, seed)):
        words = [*words, *words]
        words[place % 16] = "sun"
        context = " ".join(words)
        answer = {"text": "sun", "answer_start": context.index("sun")}
        examples.append({"question": "the sun is", "context": context, "answers": [answer]})
    return examples


def choices(number: int, seed: int) -> list[dict[str, Any]]:
    """The option in which it is sunny; some have three of them, others four."""
    examples = []
    for place, words in enumerate(sentences(number, seed)):
        options = [f"{left} {right}" for left, right in zip(words[::2], words[1::2], strict=True)][: 3 + place % 2]
        options[place % 3] = "it is sun"
        examples.append({"text": "the wind", "text_pair": "then", "choices": options, "label": place % 3})
    return examples


def some_unanswerable(number: int, seed: int) -> list[dict[str, Any]]:
    """In every third context the sun is not to be found."""
    return [
        record | ({} if place % 3 else {"context": record["context"].replace("sun", "fog"), "answers": []})
        for place, record in enumerate(questions(number, seed))
    ]


def terms(number: int, seed: int) -> list[dict[str, Any]]:
    """A standard term is a word with `is`; with `was` it is none."""
    chooser = random.Random(seed)
    examples = []
    for _ in range(number):
        names = chooser.sample(WORDS[:6], 2)
        examples.append(
            {"text": f"{names[0]} then {names[1]}", "normalized_result": "##".join(f"{n} is" for n in names)}
        )
    return examples


def relations(number: int, seed: int) -> list[dict[str, Any]]:
    """From ab to cd a relation p, from ab to ef a relation q, among other letters."""
    chooser = random.Random(seed)
    examples = []
    for place in range(number):
        parts = ["ab", *(("cd",), ("ef",), ("cd", "ef"), ())[place % 4]]
        parts += [chooser.choice("stuvwxyz") for _ in range(6)]
        chooser.shuffle(parts)
        triples = [("ab", kind, thing) for thing, kind in (("cd", "p"), ("ef", "q")) if thing in parts]
        spo_list = [{"subject": s, "predicate": p, "object": {"@value": o}} for s, p, o in triples]
        examples.append({"text": "".join(parts), "spo_list": spo_list})
    return examples


def several_labels(number: int, seed: int) -> list[dict[str, Any]]:
    """Which weathers a text is about, in any order; every fourth text is about none."""
    chooser = random.Random(seed)
    records = []
    for place in range(number):
        weathers = [word for word, chosen in zip(WORDS[:2], (place % 2, place // 2 % 2), strict=True) if chosen]
        chooser.shuffle(weathers)
        records.append({"text": " ".join(chooser.choice(weathers or ["then"]) for _ in range(8)), "labels": weathers})
    return records


def task(folder: Path, make: Any, name: str = "toy") -> Path:
    (folder / name).mkdir(parents=True)
    for split, number, seed in (("train", 160, 1), ("dev", 40, 2)):
        lines = (json.dumps(record) + "\n" for record in make(number, seed))
        (folder / name / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder / name


def made(folder: Path, make: Any) -> Path:
    made = task(folder, make)
    if make is terms:
        book = Workbook()
        for word in WORDS[:6]:
            for verb in ("is", "was"):
                book.worksheets[0].append(["A00", f"{word} {verb}"])
        book.save(made / "terms.xlsx")
    return made


def task_of(target: Any, text: str = "", pair: str | None = None, labels: tuple[str, ...] = ()) -> Task:
    example = LabelledExample(text, pair, tuple(text) if isinstance(target, Relations) else (), target)
    return Task("toy", example.kind, [example], [example], "dev", labels or tuple(sorted(example.labels)))
