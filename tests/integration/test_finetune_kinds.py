"""Kinds of tasks beyond texts, tags and spans: each can be learned, and is read as its benchmark's baseline does it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from openpyxl import Workbook
from torch.nn.functional import binary_cross_entropy_with_logits

from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.kinds import reader_of
from pretrain.evaluation.tasks.layouts import read_task
from pretrain.evaluation.tasks.model import Backbone, open_backbone
from pretrain.evaluation.tasks.relations import Output, Triples, places_of
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.task import Choice, Example, Relation, Relations, Task, Terms
from pretrain.evaluation.tasks.terms import Normalised
from pretrain.evaluation.tasks.texts import Choices
from tests.integration.test_finetune import FAST, WORDS, evaluated, model, models, questions, sentences, task

__all__ = ["model", "models"]  # fixtures


def choices(number: int, seed: int) -> list[dict[str, Any]]:
    """The option in which it is sunny; some have three of them, others four."""
    found = []
    for place, words in enumerate(sentences(number, seed)):
        options = [f"{left} {right}" for left, right in zip(words[::2], words[1::2], strict=True)][: 3 + place % 2]
        options[place % 3] = "it is sun"
        found.append({"text": "the wind", "text_pair": "then", "choices": options, "label": place % 3})
    return found


def some_unanswerable(number: int, seed: int) -> list[dict[str, Any]]:
    """In every third context the sun is not to be found."""
    return [
        record | ({} if place % 3 else {"context": record["context"].replace("sun", "fog"), "answers": []})
        for place, record in enumerate(questions(number, seed))
    ]


def terms(number: int, seed: int) -> list[dict[str, Any]]:
    """A standard term is a word with `is`; with `was` it is none."""
    chooser = random.Random(seed)
    found = []
    for _ in range(number):
        names = chooser.sample(WORDS[:6], 2)
        found.append({"text": f"{names[0]} then {names[1]}", "normalized_result": "##".join(f"{n} is" for n in names)})
    return found


def relations(number: int, seed: int) -> list[dict[str, Any]]:
    """From ab to cd a relation p, from ab to ef a relation q, among other letters."""
    chooser = random.Random(seed)
    found = []
    for place in range(number):
        parts = ["ab", *(("cd",), ("ef",), ("cd", "ef"), ())[place % 4]]
        parts += [chooser.choice("stuvwxyz") for _ in range(6)]
        chooser.shuffle(parts)
        triples = [("ab", kind, thing) for thing, kind in (("cd", "p"), ("ef", "q")) if thing in parts]
        spo_list = [{"subject": s, "predicate": p, "object": {"@value": o}} for s, p, o in triples]
        found.append({"text": "".join(parts), "spo_list": spo_list})
    return found


def made(folder: Path, make: Any) -> Path:
    made = task(folder, make)
    if make is terms:
        book = Workbook()
        for word in WORDS[:6]:
            for verb in ("is", "was"):
                book.worksheets[0].append(["A00", f"{word} {verb}"])
        book.save(made / "terms.xlsx")
    return made


@pytest.mark.parametrize(
    ("make", "overrides", "metric", "least"),
    [
        (choices, (), "accuracy", 0.9),
        (some_unanswerable, ("length=20", "epochs=10"), "f1", 0.8),
        (terms, ("candidates=4", "learning_rate=1e-3"), "f1", 0.9),
        (relations, ("epochs=30", "learning_rate=1e-3"), "f1", 0.9),
    ],
)
def test_what_can_be_told_apart_is_learned(
    model: Path, tmp_path: Path, make: Any, overrides: tuple[str, ...], metric: str, least: float
) -> None:
    found = evaluated(tmp_path, str(model), "--task", str(made(tmp_path, make)), "--seeds", "1", *FAST, *overrides)
    (result,) = found["tasks"]
    metrics = {name: spread["mean"] for name, spread in result["models"][str(model)].items()}
    assert metrics[metric] >= least, metrics
    assert result["metric"] == metric
    if make is some_unanswerable:
        assert metrics["best_f1"] >= metrics["f1"] and metrics["best_exact_match"] >= metrics["exact_match"]
    if make is terms:
        assert metrics["among_candidates"] == 1


def of(target: Any, text: str = "", pair: str | None = None, labels: tuple[str, ...] = ()) -> Task:
    example = Example(text, pair, tuple(text) if isinstance(target, Relations) else (), target)
    return Task("toy", example.kind, [example], [example], "dev", labels or tuple(sorted(example.labels)))


@pytest.fixture
def backbone(model: Path) -> Backbone:
    return open_backbone(str(model))


def test_choices_as_clues_baselines_write_them(backbone: Backbone) -> None:
    """C3: text [SEP] question [SEP] option, the latter two as the second text; missing options are empty."""
    given = of(Choice(("rain", "fog"), 1), "the sun", "is it", ("0", "1", "2"))
    reader = Choices(given, backbone.tokenizer, settings_for(given, 32, 64, ()))
    (feature,) = reader.features(given.train)
    assert feature.encodings[1].tokens == ["[CLS]", "the", "sun", "[SEP]", "is", "it", "[SEP]", "fog", "[SEP]"]
    assert feature.encodings[1].type_ids == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert feature.encodings[2].tokens == ["[CLS]", "the", "sun", "[SEP]", "is", "it", "[SEP]", "[SEP]"]
    batch = collate([feature, feature], backbone.pad, torch.device("cpu"))
    assert batch["input_ids"].shape == (2, 3, 9) and batch["labels"].tolist() == [1, 1]
    # An empty option is never chosen, whatever the model says of it.
    assert reader.score(given.train, [feature], [torch.tensor([1.0, 2.0, 9.0]).numpy()]) == {"accuracy": 1}


@pytest.mark.parametrize(("place", "around"), [(0, "[MASK] b c d"), (4, "c d [MASK] f"), (9, "g h i [MASK]")])
def test_the_blank_of_a_cloze_stays_within_the_length(place: int, around: str, backbone: Backbone) -> None:
    letters = list("abcdefghij")
    letters[place] = "[MASK]"
    given = of(Choice(("rain", "the fog"), 1, blank=2 * place), " ".join(letters))
    (feature,) = Choices(given, backbone.tokenizer, settings_for(given, 32, 64, ("length=8",))).features(given.train)
    assert feature.encodings[0].tokens == ["[CLS]", "rain", "[SEP]", *around.split(), "[SEP]"]
    assert "[MASK]" in feature.encodings[1].tokens and len(feature.encodings[1].tokens) == 8


def test_the_likeliest_wrong_terms_are_trained(backbone: Backbone) -> None:
    given = of(Terms(("sun is",)), "the sun is", labels=("fog", "rain", "sun is", "sun was", "wind"))
    settings = settings_for(given, 32, 64, ("candidates=3", "negatives=1"))
    reader = Normalised(given, backbone.tokenizer, settings)
    learned = [(feature.encoding.tokens[5:-1], feature.labels["labels"]) for feature in reader.to_learn(given.train)]
    assert learned == [(["sun", "is"], 1), (["sun", "was"], 0)]
    asked = reader.features(given.train)
    assert [feature.encoding.tokens[5:-1] for feature in asked][:2] == [["sun", "is"], ["sun", "was"]]
    nothing, both = ([[1.0, 0.5], [1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    for said, f1 in ((nothing, 1), (both, 2 / 3)):
        found = reader.score(given.train, asked, list(torch.tensor(said).numpy()))
        assert found["f1"] == pytest.approx(f1) and found["among_candidates"] == 1


def test_the_loss_of_relations_is_the_cross_entropy_of_dense_labels(backbone: Backbone) -> None:
    """PaddleNLP's: binary, over every token and every pair of them that is no padding, summed over a text."""
    target = Relations((Relation("ab", "p", "cd"), Relation("ab", "q", "e")))
    example = Example("", None, tuple("xabcdye"), target)
    shorter = Example("", None, tuple("xyz"), Relations(()))
    given = Task("toy", "relations", [example, shorter], [example], "dev", ("p", "q"))
    reader = reader_of(given, backbone.tokenizer, settings_for(given, 32, 64, ()))
    batch = collate(reader.features(given.train), backbone.pad, torch.device("cpu"))
    network = backbone.with_head(given).eval()
    output = network(**batch)
    ends, pairs = torch.zeros_like(output.ends), torch.zeros_like(output.pairs)
    for start, end in ((2, 3), (4, 5), (7, 7)):  # behind [CLS]
        ends[0, start, 0] = ends[0, end, 1] = 1
    pairs[0, 0, 2, 4] = pairs[0, 1, 2, 7] = 1
    mask = batch["attention_mask"].float()
    expected = [
        (binary_cross_entropy_with_logits(logits, labels, reduction="none") * weight).sum()
        for logits, labels, weight in (
            (output.ends, ends, mask[..., None]),
            (output.pairs, pairs, (mask[:, :, None] * mask[:, None, :])[:, None]),
        )
    ]
    assert output.loss.item() == pytest.approx(sum(expected).item() / 2, rel=1e-5)  # type: ignore[union-attr]  a tensor
    with torch.no_grad():
        assert torch.allclose(network(**{name: batch[name] for name in INPUTS}).pairs, output.pairs)


def test_the_scores_of_relations_are_those_of_paddlenlp(backbone: Backbone) -> None:
    """ElectraForSPO, pair by pair: query of one token, key of another below it and of [CLS], over the root of D."""
    given = of(Relations((Relation("a", "p", "b"), Relation("b", "q", "a"))), "xayb")
    reader = reader_of(given, backbone.tokenizer, settings_for(given, 32, 64, ()))
    batch = collate(reader.features(given.train), backbone.pad, torch.device("cpu"))
    network: Any = backbone.with_head(given).eval()
    with torch.no_grad():
        inputs = {name: batch[name] for name in INPUTS}
        read = network.electra(**inputs, output_hidden_states=True)
        query = network.subjects(read.last_hidden_state).view(-1, 2, 32)
        key = network.objects(read.hidden_states[-2] + read.last_hidden_state[:, :1]).view(-1, 2, 32)
        found = network(**inputs)
    for kind, subject, thing in ((0, 2, 4), (1, 4, 2), (1, 1, 1)):
        expected = (query[subject, kind] * key[thing, kind]).sum() / 32**0.5
        assert found.pairs[0, kind, subject, thing].item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-7)


INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def test_relations_are_read_from_what_is_likelier_than_not(backbone: Backbone) -> None:
    target = Relations((Relation("ab", "p", "cd"),))
    given = of(target, "xabcd", labels=("p", "q"))
    reader = Triples(given, backbone.tokenizer, settings_for(given, 32, 64, ()))
    (feature,) = features = reader.features(given.train)
    ends, pairs = torch.full((1, 7, 2), -1.0), torch.full((1, 2, 7, 7), -1.0)
    for place in ((2, 0), (4, 0), (3, 1), (5, 1)):
        ends[(0, *place)] = 0.1
    pairs[0, 0, 2, 4] = pairs[0, 1, 4, 2] = 0.1
    pairs[0, 1, 1, 2] = 0.1  # nothing begins at 1
    assert len(feature.encoding.tokens) == 7
    found = reader.score(given.train, features, reader.said(Output(None, ends, pairs)))
    assert found == {"f1": pytest.approx(2 / 3), "precision": 0.5, "recall": 1}


def test_where_subject_and_object_are() -> None:
    """The longer one first, and the other not inside of it; case does not matter."""
    assert places_of("高血压和血压", Relation("血压", "p", "高血压")) == [(4, 6), (0, 3)]
    assert places_of("CT见ct机", Relation("CT", "p", "ct机")) == [(0, 2), (3, 6)]
    assert places_of("高血压", Relation("血压", "p", "高血压")) == []
    assert places_of("高血压", Relation("高血压", "p", "药")) == []


def test_the_numbers_are_the_baselines(backbone: Backbone) -> None:
    """(epochs, length): C3 and CHID of CLUE, CHIP-CDN of CBLUE, CMeIE of ERNIE-Health."""
    asked = {
        (8, 512): of(Choice(("a", "b"), 0)),
        (3, 64): of(Choice(("a", "b"), 0, blank=0)),
        (100, 300): of(Relations((Relation("a", "p", "b"),)), "ab"),
    }
    for (epochs, length), given in asked.items():
        settings = settings_for(given, 256, 512, ())
        assert (settings.epochs, settings.length) == (epochs, length)
        assert settings.batch == (12 if epochs == 100 else 32)
    settings = settings_for(of(Terms(("a",))), 256, 512, ())
    assert (settings.epochs, settings.length, settings.negatives) == (3, 64, 3)


def test_a_task_is_known_by_its_content(tmp_path: Path) -> None:
    folders = [made(tmp_path / name, make) for name, make in (("a", choices), ("b", choices), ("c", relations))]
    one, same, other = (read_task(folder).fingerprint for folder in folders)
    assert one == same != other
    lines = (folders[1] / "dev.jsonl").read_text().splitlines()
    record = json.loads(lines[-1])
    (folders[1] / "dev.jsonl").write_text("\n".join([*lines[:-1], json.dumps(record | {"text": "the winds"})]) + "\n")
    assert read_task(folders[1]).fingerprint != one
