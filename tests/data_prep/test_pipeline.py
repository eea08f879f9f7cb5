"""Check the order of the steps, and run one task through them."""

from __future__ import annotations

from pathlib import Path

from configs.common.files import read_json
from configs.load import load
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from data_prep import pipeline, vocabulary
from data_prep.document import SourceDocument
from tests.conftest import SMALL


def names(steps: list) -> list[str]:
    return [type(step).__name__ for step in steps]


def test_the_order_of_the_steps(tmp_path: Path) -> None:
    recipe = load("tiny", [*SMALL, "data.deduplicate=exact"])
    assert names(pipeline.reading(recipe, [], tmp_path)) == ["ReadRanges", "NoteProgress"]
    assert names(pipeline.signing(recipe, tmp_path)) == ["Clean", "WriteSignatures"]
    steps = pipeline.writing(recipe, tmp_path, tmp_path, repeated=tmp_path / "repeated.npy", megatron=tmp_path)
    assert names(steps) == [
        *("Clean", "LeaveOutRepeated", "CountDocuments", "WriteKeys", "HoldOut", "Tokenize", "WriteTokenIds"),
        *("CutExamples", "WriteShards"),
    ]


def test_a_task_is_written_with_its_report(tmp_path: Path) -> None:
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    settings = TokenizerSettings(lowercase=True, strip_accents=True, longest_word=100)
    vocabulary.save(bert_tokenizer(entries, settings, "test"), tmp_path)
    reports = tmp_path / "reports"
    reports.mkdir()
    recipe = load("tiny", [*SMALL, "data.validation_share=0.0"])
    documents = [SourceDocument("a b\nb a", str(number), num_bytes=8) for number in range(3)]
    pipeline.run(pipeline.writing(recipe, tmp_path, reports), documents, task=7)
    report = read_json(reports / "00007.json")
    assert report["documents"] == {"0": 3}
    assert report["tokens"]["train"] == sum(int(length) * count for length, count in report["example_lengths"].items())
    (shard,) = report["shards"]["train"]
    assert (shard["file"], shard["number"], report["shards"]["validation"]) == ("train-00007.npy", 7, [])
