"""`electra evaluate MODEL --task FOLDER`: a tiny model learns what can be told apart, the same every time."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from typer.testing import CliRunner

from launch.cli import app
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.layouts import read_task
from pretrain.evaluation.tasks.model import open_backbone, parameter_groups, scale_of
from pretrain.evaluation.tasks.questions import Questions
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.task import Example, Task
from pretrain.evaluation.tasks.words import Words
from pretrain.released.lookup import open_released
from tests.released import TOWER, release

WORDS = ("sun", "rain", "wind", "snow", "fog", "hail", "the", "a", "is", "was", "it", "then")
ENTRIES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *"abcdefghijklmnopqrstuvwxyz.", "##s", "##ing")
# A backbone that nobody trained learns from its first steps.
FAST = ("learning_rate=3e-3", "layer_decay=1.0", "epochs=6", "batch=16")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "vocab.txt").write_text("\n".join(ENTRIES) + "\n", encoding="utf-8")
    release(folder, folder / "vocab.txt", max_positions=64)
    return folder


@pytest.fixture(scope="module")
def model(models: Path) -> Path:
    return models / "x-discriminator"


def sentences(number: int, seed: int) -> list[list[str]]:
    chooser = random.Random(seed)
    return [[chooser.choice(WORDS[1:]) for _ in range(8)] for _ in range(number)]


def classes(number: int, seed: int) -> list[dict[str, Any]]:
    """Whether it is sunny."""
    found = []
    for place, words in enumerate(sentences(number, seed)):
        words[::2] = ["sun"] * 4 if place % 2 else words[::2]
        found.append({"text": " ".join(words), "label": "sun" if place % 2 else "other"})
    return found


def pairs(number: int, seed: int) -> list[dict[str, Any]]:
    """How often it is sunny in the second text."""
    found = []
    for place, words in enumerate(sentences(number, seed)):
        words[: place % 5] = ["sun"] * (place % 5)
        found.append({"sentence1": "the wind", "sentence2": " ".join(words), "score": float(place % 5)})
    return found


def tags(number: int, seed: int) -> list[dict[str, Any]]:
    """Each word's own tag; the sentence is longer than a feature."""
    return [
        {"tokens": words * 2, "tags": ["B-day" if word in WORDS[:6] else "O" for word in words] * 2}
        for words in sentences(number, seed)
    ]


def questions(number: int, seed: int) -> list[dict[str, Any]]:
    """Where it is sunny; the context is longer than a window."""
    found = []
    for place, words in enumerate(sentences(number, seed)):
        words = [*words, *words]
        words[place % 16] = "sun"
        context = " ".join(words)
        answer = {"text": "sun", "answer_start": context.index("sun")}
        found.append({"question": "the sun is", "context": context, "answers": [answer]})
    return found


def task(folder: Path, make: Any, name: str = "toy") -> Path:
    (folder / name).mkdir(parents=True)
    for split, number, seed in (("train", 160, 1), ("dev", 40, 2)):
        lines = (json.dumps(record) + "\n" for record in make(number, seed))
        (folder / name / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder / name


def evaluated(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    file = tmp_path / "scores.json"
    answer = CliRunner().invoke(app, ["evaluate", *arguments, "--json", str(file)])
    assert answer.exit_code == 0, answer.output
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("make", "overrides", "metric", "least"),
    [
        (classes, (), "accuracy", 0.9),
        (pairs, (), "spearman", 0.9),
        (tags, ("length=12",), "f1", 0.95),
        (questions, ("length=20", "epochs=8"), "exact_match", 0.8),
    ],
)
def test_what_can_be_told_apart_is_learned(
    model: Path, tmp_path: Path, make: Any, overrides: tuple[str, ...], metric: str, least: float
) -> None:
    found = evaluated(tmp_path, str(model), "--task", str(task(tmp_path, make)), "--seeds", "1", *FAST, *overrides)
    (result,) = found["tasks"]
    assert result["models"][str(model)][metric]["mean"] >= least, result


def test_seeds_differ_and_a_seed_is_a_seed(models: Path, model: Path, tmp_path: Path) -> None:
    """Two models side by side, twice; the difference is taken seed by seed."""
    folder, other = task(tmp_path, pairs), models / "other"
    if not other.exists():
        release(models, models / "vocab.txt", names=("other", "unused"), max_positions=64)
    picture = tmp_path / "picture.svg"
    arguments = (str(model), "--task", str(folder), "--against", str(other), "--seeds", "2", *FAST, "epochs=1")
    found = evaluated(tmp_path, *arguments, "--picture", str(picture))
    (tmp_path / "again").mkdir()
    assert found == evaluated(tmp_path / "again", *arguments)
    (result,) = found["tasks"]
    ours, theirs = (result["models"][str(name)]["spearman"]["values"] for name in (model, other))
    # Both folders hold the same weights, so that a seed gives the same.
    assert ours == theirs and ours[0] != ours[1]
    assert result["difference"]["spearman"] == {"mean": 0, "deviation": 0, "values": [0, 0]}
    assert result["settings"][str(model)]["learning_rate"] == 3e-3
    drawn = ElementTree.fromstring(picture.read_text())
    assert len(drawn.findall("{*}circle")) == 2 + 2 * 2  # the legend's and the seeds'


def test_the_backbone_is_the_models(model: Path, tmp_path: Path) -> None:
    """As transformers loads it, and with transformers' own names; only the head is drawn."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    backbone, folder = open_backbone(str(model)), task(tmp_path, classes)
    ours = backbone.with_head(read_task(folder)).state_dict()
    theirs = AutoModelForSequenceClassification.from_pretrained(model).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items() if name.startswith("electra."))
    text, pair = "The sun, then RAINS.", "it is snowing"
    encoding, expected = backbone.tokenizer.encode(text, pair), AutoTokenizer.from_pretrained(model)(text, pair)
    assert encoding.ids == expected["input_ids"]
    assert encoding.type_ids == expected["token_type_ids"]


def test_rates_of_layers() -> None:
    names = [*(f"electra.encoder.layer.{n}.output.dense.weight" for n in (11, 10, 0)), "classifier.dense.weight"]
    names += ["electra.embeddings.word_embeddings.weight", "electra.embeddings_project.weight"]
    task = read_task_of_classes()
    paper, google = (
        [scale_of(name, 12, settings_for(task, 256, 512, given)) for name in names]
        for given in ((), ("layer_decay_exponent=google",))
    )
    assert paper == pytest.approx([1, 0.8, 0.8**11, 1, 0.8**12, 0.8**12])
    # google-research/electra, model/optimization.py: n_layers + 2 - depth, where depth is 0 for embeddings, i + 1 for
    # layer i, and n_layers + 2 for the head
    assert google == pytest.approx([0.8**2, 0.8**3, 0.8**13, 1, 0.8**14, 0.8**14])


def read_task_of_classes(name: str = "toy") -> Any:
    example = Example("a", None, (), "b")
    return Task(name, "classes", [example], [example], "dev", ("b",))


def test_the_numbers_are_the_papers() -> None:
    rates = [settings_for(read_task_of_classes(), hidden, 512, ()).learning_rate for hidden in (256, 768, 1024)]
    assert rates == [3e-4, 1e-4, 5e-5]
    assert [settings_for(read_task_of_classes(name), 256, 512, ()).epochs for name in ("RTE", "STS-B", "x")] == [
        10,
        10,
        3,
    ]


def test_groups_hold_every_parameter_once(model: Path, tmp_path: Path) -> None:
    folder = task(tmp_path, tags)
    given = read_task(folder)
    network = open_backbone(str(model)).with_head(given)
    settings = settings_for(given, 32, 64, ("weight_decay=0.1",))
    groups = parameter_groups(network, TOWER["layers"], settings)
    held = [parameter for group in groups for parameter in group["params"]]
    assert {id(parameter) for parameter in held} == {id(parameter) for parameter in network.parameters()}
    assert len(held) == len({id(parameter) for parameter in held})
    assert {group["scale"] for group in groups} == {1.0, 0.8, 0.8**2}
    assert all((group["weight_decay"] == 0.1) == (p.ndim > 1) for group in groups for p in group["params"])


def test_windows_and_parts(model: Path, tmp_path: Path) -> None:
    """Each answer is in a window, each word has one prediction, and padding is ignored."""
    backbone, given = open_backbone(str(model)), read_task(task(tmp_path, questions))
    reader = Questions(given, backbone.tokenizer, settings_for(given, 32, 64, ("length=20",)))
    features = reader.features(given.held_out)
    assert len(features) > len(given.held_out)
    told = {feature.example for feature in features if feature.labels["start_positions"]}
    assert told == set(range(len(given.held_out)))
    for feature in features:
        start, end = feature.labels["start_positions"], feature.labels["end_positions"]
        assert not start or feature.encoding.tokens[start : end + 1] == ["sun"]
    given = read_task(task(tmp_path, tags, "tagged"))
    words = Words(given, backbone.tokenizer, settings_for(given, 32, 64, ("length=12",)))
    parts = words.features(given.held_out)
    assert sum(label >= 0 for part in parts for label in part.labels["labels"]) == 16 * len(given.held_out)
    batch = collate(parts[:2], backbone.pad, torch.device("cpu"))
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


REFUSED = {
    "holds a generator alone; what is fine-tuned is a discriminator": ("{models}/only", "--task", "{task}"),
    "neither tokenizer.json nor vocab.txt lies beside it": ("{models}/bare", "--task", "{task}"),
    "--task: unknown key epoch; did you mean epochs?": ("{model}", "--task", "{task}", "epoch=3"),
    "--task: layer_decay: 2.0 is not less than or equal to 1": ("{model}", "--task", "{task}", "layer_decay=2.0"),
    "metric: 'bleu' is not measured for toy": (
        "{model}",
        "--task",
        "{task}",
        "--seeds",
        "1",
        "epochs=1",
        "metric=bleu",
    ),
    "is the model itself": ("{model}", "--task", "{task}", "--against", "{model}"),
    "name a file that ends in .svg": ("{model}", "--task", "{task}", "--picture", "p.png"),
    "--rows and --generator are for --corpus": ("{model}", "--task", "{task}", "--rows", "3"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_refused(sentence: str, models: Path, model: Path, tmp_path: Path) -> None:
    if not (models / "bare").exists():
        (models / "only").symlink_to(models / "x-generator")
        release(models, names=("bare", "bare-2"))
    given = {"models": models, "model": model, "task": task(tmp_path, classes)}
    answer = CliRunner().invoke(app, ["evaluate", *(part.format(**given) for part in REFUSED[sentence])])
    assert answer.exit_code == 2
    assert sentence in answer.stderr


def test_released_weights_are_not_touched(model: Path) -> None:
    before = open_released(str(model)).networks["discriminator"].weights
    backbone = open_backbone(str(model))
    network = backbone.with_head(read_task_of_classes())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert all(torch.equal(backbone.network.weights[name], tensor) for name, tensor in before.items())
