"""A corpus has the same bytes for any number of workers and any interruption, or is refused and leaves no file."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.common.errors import Unfinished, UserError
from configs.common.files import read_json
from configs.load import load
from configs.recipe import Recipe
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import entries_of
from data_prep import prepare as prepare_room
from data_prep.executors.tasks import Tasks
from data_prep.prepare import prepare
from data_prep.rows import Planes
from data_prep.shards import Corpus
from tests.conftest import SMALL, documents
from tests.data_prep.conftest import fingerprint


@pytest.fixture
def many_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the small text into several tasks."""
    monkeypatch.setattr("data_prep.sources.tasks._SMALLEST", 20_000)


@pytest.mark.usefixtures("many_tasks")
def test_the_bytes_do_not_depend_on_the_workers(small_recipe: Recipe, tmp_path: Path) -> None:
    for workers in (1, 2, 5):
        prepare(small_recipe, tmp_path / str(workers), workers)
    assert fingerprint(tmp_path / "1") == fingerprint(tmp_path / "2") == fingerprint(tmp_path / "5")
    manifest = read_json(tmp_path / "1" / "manifest.json")
    assert len(manifest["shards"]["train"]) > 3


def _fixed_text(num_documents: int) -> str:
    """Return documents of Latin words, Chinese characters, marks and punctuation that no library decides about."""
    draw = random.Random(0)
    alphabet = "abcdefghijklmnopqrstuvwxyzABCÉéñ0123456789"
    words = ["".join(draw.choices(alphabet, k=draw.randint(1, 12))) for _ in range(2000)]
    words += (
        [chr(point) for point in range(0x4E00, 0x4F00)]
        + list(".,;!?()\u201c\u201d\u3002\uff0c")
        + ["e\u0301a", "\u00a0", "\ufffd"]
    )
    documents = []
    for _ in range(num_documents):
        lines = [
            draw.choice(["", " "]).join(draw.choices(words, k=draw.randint(1, 60))) for _ in range(draw.randint(1, 30))
        ]
        documents.append("\n".join(lines))
    return "\n\n".join(documents) + "\n"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], "56a320e3fd96b4b2"),
        (["masking.scheme=whole_word", "data.segment_condition=reversed"], "991d3c97fa0efd1e"),
        (["masking.scheme=span", "data.packing=single", "data.random_length_share=0.5"], "013bc2fc41723e82"),
    ],
)
@pytest.mark.usefixtures("many_tasks")
def test_the_bytes_of_a_corpus_stay_the_same(tmp_path: Path, overrides: list[str], expected: str) -> None:
    """A change of the code that is only about speed must not change a row; a corpus is prepared once and kept."""
    (tmp_path / "text.txt").write_text(_fixed_text(300), encoding="utf-8")
    characters = [chr(point) for point in (*range(0x21, 0x7F), *range(0x4E00, 0x4EF0))]
    pieces = [first + second for first in "abcdefghij" for second in "abcdefghij"]
    entries = [*SPECIAL_TOKENS.values(), *characters, *pieces]
    entries += ["##" + entry for entry in entries[5:]]
    (tmp_path / "vocab.txt").write_text("".join(entry + "\n" for entry in entries), encoding="utf-8")
    source = [f"data.sources={tmp_path / 'text.txt'}", f"vocabulary.source={tmp_path / 'vocab.txt'}"]
    fixed = ["data.row_length=64", "data.validation_share=0.1", "masking.maskings=3", f"vocabulary.size={len(entries)}"]
    prepare(load("tiny", [*source, *fixed, *overrides]), tmp_path / "corpus", workers=1)
    digest = hashlib.sha256()
    for shard in sorted((tmp_path / "corpus").glob("*.npy")):
        digest.update(np.load(shard, allow_pickle=False).tobytes())
    assert digest.hexdigest()[:16] == expected


@pytest.mark.usefixtures("many_tasks")
def test_a_task_that_finished_is_not_done_again(
    small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(small_recipe, tmp_path / "whole", 1)
    done: list[int] = []
    run_task = Tasks.run_task

    def stop_after_two(self: Any, rank: int) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(rank)
        run_task(self, rank)

    monkeypatch.setattr(Tasks, "run_task", stop_after_two)
    with pytest.raises(Unfinished, match="interrupted; the same command continues"):
        prepare(small_recipe, tmp_path / "cut", 1)
    assert not (tmp_path / "cut" / "manifest.json").exists()

    again: list[int] = []

    def note(self: Any, rank: int) -> None:
        again.append(rank)
        run_task(self, rank)

    monkeypatch.setattr(Tasks, "run_task", note)
    prepare(small_recipe, tmp_path / "cut", 1)
    assert not set(done) & set(again)
    assert fingerprint(tmp_path / "cut") == fingerprint(tmp_path / "whole")


def test_the_rows_are_the_text(corpus: Corpus, small_recipe: Recipe) -> None:
    """Every word piece of every document is in exactly one row of its split."""
    from data_prep import vocabulary

    tokenizer = vocabulary.load(corpus.folder)
    expected = [
        token
        for document in documents()
        for encoding in tokenizer.encode_batch(document.split("\n"), add_special_tokens=False)
        for token in encoding.ids
    ]
    contents: list[int] = []
    for split in ("train", "validation"):
        rows = corpus.read(split, np.arange(corpus.num_rows(split)))
        planes = Planes.of(rows, corpus.special)
        contents += planes.tokens[planes.maskable].tolist()
    # All tokens including [UNK] are there: none is missing, and none occurs twice.
    assert sorted(contents) == sorted(expected)
    assert corpus.num_rows("validation") > 0
    assert small_recipe.vocabulary.size == len(entries_of(tokenizer))


def test_stored_masks_are_those_drawn_afresh(small_recipe: Recipe, corpus: Corpus, tmp_path: Path) -> None:
    fresh = load("tiny", [*SMALL, f"data.sources={small_recipe.data.sources[0].path}", "masking.maskings=fresh"])
    prepare(fresh, tmp_path / "fresh", 1)
    drawn = Corpus(tmp_path / "fresh")
    numbers = np.arange(corpus.num_rows("train"))[::-3]
    for epoch in (0, 1):
        epochs = np.full(len(numbers), epoch)
        stored = corpus.read_masked("train", numbers, epochs)[1]
        again = drawn.read_masked("train", numbers, epochs)[1]
        assert np.array_equal(stored, again)
    different = drawn.read_masked("train", numbers, np.full(len(numbers), 2))[1]
    assert not np.array_equal(different, stored)


@pytest.mark.parametrize("masking", [("scheme=token", "maskings=2"), ("scheme=span", "maskings=fresh")])
def test_masks_at_a_lower_rate_are_those_of_a_corpus_with_this_rate(
    masking: tuple[str, str], small_recipe: Recipe, tmp_path: Path
) -> None:
    keys = [*SMALL, f"data.sources={small_recipe.data.sources[0].path}", *(f"masking.{key}" for key in masking)]
    for rate in ("0.3", "0.2"):
        prepare(load("tiny", [*keys, f"masking.rate={rate}"]), tmp_path / rate, 1)
    higher, lower = Corpus(tmp_path / "0.3"), Corpus(tmp_path / "0.2")
    numbers = np.arange(higher.num_rows("train"))[::-3]
    epochs = numbers % 5  # more than are stored
    rows, masks = higher.read_masked("train", numbers, epochs, 0.2)
    expected_rows, expected = lower.read_masked("train", numbers, epochs)
    assert np.array_equal(rows["tokens"], expected_rows["tokens"]) and np.array_equal(masks, expected)
    whole = higher.read_masked("train", numbers, epochs, 0.3)[1]
    assert np.array_equal(whole, higher.read_masked("train", numbers, epochs)[1]) and whole.sum() > masks.sum()


def test_duplicates_of_a_held_out_document_are_held_out(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join([*documents(), *documents()]), encoding="utf-8")
    prepare(load("tiny", [*SMALL, f"data.sources={text}"]), tmp_path / "twice", 1)
    corpus = Corpus(tmp_path / "twice")
    rows = {split: corpus.read(split, np.arange(corpus.num_rows(split))) for split in ("train", "validation")}
    examples = {}
    for split, contents in rows.items():
        planes = Planes.of(contents, corpus.special)
        starts = [np.flatnonzero(row) for row in planes.example_start]
        examples[split] = {
            bytes(piece)
            for tokens, start, length in zip(planes.tokens, starts, planes.lengths, strict=True)
            for piece in np.split(tokens[:length], start[1:])
            if len(piece) > 40
        }
    assert examples["validation"]
    assert not examples["train"] & examples["validation"]


def test_a_line_of_megabytes_and_unknown_characters(tmp_path: Path, text_file: Path) -> None:
    text = tmp_path / "long.txt"
    text.write_text(text_file.read_text() + "\n\n" + "word " * 1_000_000 + "x" * 70_000 + " ☃☃ end\n", encoding="utf-8")
    prepare(load("tiny", [*SMALL, f"data.sources={text}", "vocabulary.alphabet=50"]), tmp_path / "out", 1)
    report = read_json(tmp_path / "out" / "report.json")
    assert report["unknown_characters"]["☃"] == 2
    assert report["unknown_characters"]["(a long word)"] == 1 + 1  # cut once, at the greatest length of a piece
    assert report["tokens"] > 1_000_000


@pytest.mark.parametrize(
    ("content", "overrides", "sentence"),
    [
        (b" \n\n \n", (), "vocabulary.size: 1200, and the text gives 5 entries"),
        (b"a few words\n", (), "vocabulary.size: 1200, and the text gives"),
        (None, ("vocabulary.source=nowhere.txt",), "nowhere.txt does not exist"),
        (None, ("data.validation_share=1.0",), "no training rows"),
    ],
)
def test_bad_input_leaves_nothing(
    text_file: Path, tmp_path: Path, content: bytes | None, overrides: tuple[str, ...], sentence: str
) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(text_file.read_bytes() if content is None else content)
    (tmp_path / ".deleting-out" / "left").mkdir(parents=True)  # as a kill during an earlier removal would leave it
    with pytest.raises(UserError) as error:
        prepare(load("tiny", [*SMALL, f"data.sources={text}", *overrides]), tmp_path / "out", 1)
    assert sentence in str(error.value)
    assert [*tmp_path.iterdir()] == [text]


def test_an_unfinished_corpus_of_another_recipe_is_refused(
    small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare_room, "_work", interrupted)
    with pytest.raises(Unfinished, match="interrupted; the same command continues"):
        prepare(small_recipe, tmp_path / "out", 1)
    other = small_recipe.model_copy(update={"masking": small_recipe.masking.model_copy(update={"rate": 0.2})})
    with pytest.raises(UserError, match=r"unfinished corpus with recipe\.masking\.rate = 0\.15, and now it is 0\.2"):
        prepare(other, tmp_path / "out", 1)
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_full_disk(small_disk: Path, tmp_path: Path, workers: str) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"{number}\n{page}" for number in range(10) for page in documents()), encoding="utf-8")
    command = [sys.executable, "-m", "data_prep", "prepare", "tiny", *SMALL, f"data.sources={text}", "--out"]
    full = subprocess.run([*command, str(small_disk / "out"), "--workers", workers], capture_output=True, text=True)
    assert full.returncode == 75, full.stderr
    assert re.search(
        r"error: .*the disk is full, and about [\d.]+ MB more are needed; the same command continues", full.stderr
    )
    assert "Traceback" not in full.stderr
    left = {path.name for path in (small_disk / "out").iterdir()}
    assert "manifest.json" not in left
    # When there is room, the same command resumes and makes the same corpus as always.
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    again = subprocess.run([*command, str(small_disk / "out")], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    assert fingerprint(small_disk / "out") == fingerprint(tmp_path / "whole")


def test_other_peoples_folders_and_finished_corpora_are_refused(
    small_recipe: Recipe, corpus_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="already holds a complete corpus"):
        prepare(small_recipe, corpus_folder, 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="is not empty and holds no unfinished corpus"):
        prepare(small_recipe, tmp_path / "mine", 1)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file; name a folder"):
        prepare(small_recipe, tmp_path / "file", 1)
    with pytest.raises(UserError, match="cannot be created"):
        prepare(small_recipe, tmp_path / "file" / "below", 1)
