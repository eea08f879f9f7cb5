"""Megatron's .bin and .idx: as NVIDIA's own code writes them, read, and written from text."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import load
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from data_prep.sources import megatron
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks
from data_prep.vocabulary import load as load_tokenizer
from tests.conftest import SMALL
from tests.data_prep.conftest import Preparations, fingerprint
from tests.data_prep.sources.reading import left_out, read

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "megatron"
WRITTEN = [[[5, 6, 7], [8]], [[9, 10, 11, 12, 13]], [[14], [15, 16]]]


@pytest.mark.parametrize(("name", "size"), [("two", 65_499), ("four", 65_500)])
def test_the_bytes_of_nvidias_builder(tmp_path: Path, name: str, size: int) -> None:
    """In one file, and joined from two; the second has no documents, then one."""
    files = {suffix: (GOLDEN / f"{name}{suffix}").read_bytes() for suffix in (".bin", ".idx")}
    write(tmp_path / "whole.bin", WRITTEN, size)
    for number, some in enumerate((WRITTEN[:2], [], WRITTEN[2:])):
        write(tmp_path / f"part-{number}.bin", some, size)
    megatron.join(sorted(tmp_path.glob("part-*.bin")), tmp_path / "joined.bin", size)
    for suffix, content in files.items():
        assert (tmp_path / f"whole{suffix}").read_bytes() == content
        assert (tmp_path / f"joined{suffix}").read_bytes() == content
    assert [[ids.tolist() for ids in one] for one in megatron.documents(GOLDEN / f"{name}.bin", 0, 3)] == WRITTEN


def write(path: Path, ids: list[list[list[int]]], size: int) -> None:
    with megatron.writer(path, size) as writer:
        for document in ids:
            for sequence in document:
                writer.append(np.array(sequence))
            writer.end_document()


def test_documents_are_written_beside_the_rows(preparations: Preparations, tmp_path: Path) -> None:
    """The ids of every line of every document, whichever workers wrote them; the rows are those without."""
    ways = {"one": ("--workers", "1"), "two": ("--workers", "2")}
    for name, way in ways.items():
        done = preparations.run(tmp_path / name, "--megatron", *way)
        assert done.returncode == 0, done.stderr
    one = fingerprint(tmp_path / "one")
    assert one == fingerprint(tmp_path / "two")
    tokenizer = load_tokenizer(tmp_path / "one")
    expected = set()
    for task in cut_into_tasks(load("tiny", [*SMALL, f"data.sources={preparations.folder}/text.txt"]).data.sources):
        for document in (document for piece in task for document in documents(piece)):
            encoded = tokenizer.encode_batch(document.text.splitlines(), add_special_tokens=False)
            expected.add(tuple(tuple(line.ids) for line in encoded if line.ids))
    files = [tmp_path / "one" / f"{split}.bin" for split in ("train", "validation")]
    counts = [megatron.num_documents(file) for file in files]
    written = [
        tuple(tuple(ids.tolist()) for ids in document)
        for file, count in zip(files, counts, strict=True)
        for document in megatron.documents(file, 0, count)
    ]
    assert set(written) == expected
    assert len(written) == read_json(tmp_path / "one" / "report.json")["sources"][0]["documents"]
    assert 0 < counts[1] < counts[0]


def test_what_was_begun_without_is_not_continued_with(preparations: Preparations, tmp_path: Path) -> None:
    """Half of the documents would be missing."""
    assert preparations.run(tmp_path / "out", "--task", "0/2").returncode == 0
    refused = preparations.run(tmp_path / "out", "--megatron")
    assert refused.returncode == 2 and "holds an unfinished corpus with megatron = False" in refused.stderr


def write_megatron(path: Path, documents: list[list[list[int]]], code: int, dtype: type) -> None:
    """As megatron.core.datasets.indexed_dataset writes: ids end to end, and an index."""
    sequences = [np.array(ids, dtype) for document in documents for ids in document]
    path.write_bytes(b"".join(ids.tobytes() for ids in sequences))
    lengths = np.array([len(ids) for ids in sequences], "<i4")
    places = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype("<i8") * np.dtype(dtype).itemsize
    borders = np.cumsum([0, *(len(document) for document in documents)]).astype("<i8")
    header = struct.pack("<9sQBQQ", b"MMIDIDX\x00\x00", 1, code, len(sequences), len(borders))
    path.with_suffix(".idx").write_bytes(header + lengths.tobytes() + places.tobytes() + borders.tobytes())


@pytest.mark.parametrize(("code", "dtype"), [(8, np.uint16), (4, np.int32)])
def test_ids_of_megatron(tmp_path: Path, corpus_folder: Path, code: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    ids = [[rng.integers(5, 1200, rng.integers(1, 30)).tolist() for _ in range(4)] for _ in range(30)]
    write_megatron(tmp_path / "text_document.bin", ids, code, dtype)
    source = f"data.sources=[{{path='{tmp_path}', format='megatron'}}]"
    taken = [
        f"vocabulary.source={corpus_folder}",
        "data.validation_share=0.0",
        "data.packing=single",
        "data.single_segment_share=1.0",
    ]
    prepare(load("tiny", [*SMALL, source, *taken]), tmp_path / "corpus", workers=1)
    corpus = Corpus(tmp_path / "corpus")
    rows = corpus.read("train", np.arange(corpus.num_rows("train")))
    fixed = [corpus.special.pad, corpus.special.cls, corpus.special.sep]
    inside = rows["tokens"][~np.isin(rows["tokens"], fixed)]
    assert inside.tolist() == [token for document in ids for sequence in document for token in sequence]
    assert corpus.manifest.sources[0].documents == 30


def test_files_of_megatron_that_do_not_fit(tmp_path: Path, corpus_folder: Path) -> None:
    write_megatron(tmp_path / "a.bin", [[[5, 6, 7000]]], 4, np.int32)
    source = f"data.sources=[{{path='{tmp_path}/a.bin', format='megatron'}}]"
    recipe = load("tiny", [*SMALL, source, f"vocabulary.source={corpus_folder}"])
    with pytest.raises(UserError, match=r"a\.bin:0: has token ids outside the 1200 entries"):
        prepare(recipe, tmp_path / "corpus", workers=1)
    (tmp_path / "a.bin").write_bytes(b"\0" * 8)
    with pytest.raises(UserError, match=r"a\.bin: ends before document 0 does"):
        prepare(recipe, tmp_path / "corpus", workers=1)
    (tmp_path / "a.idx").write_bytes(b"MMIDIDX\x00\x00")
    with pytest.raises(UserError, match=r"a\.idx: is no index of Megatron's"):
        prepare(recipe, tmp_path / "corpus", workers=1)
    (tmp_path / "a.idx").unlink()
    with pytest.raises(UserError, match=r"a\.bin: has no a\.idx beside it"):
        prepare(recipe, tmp_path / "corpus", workers=1)


def test_damaged_files_are_left_out_and_counted(tmp_path: Path) -> None:
    for name in "ab":
        write_megatron(tmp_path / f"{name}.bin", [[[5, 6]], [[7]]], 4, np.int32)
    (tmp_path / "a.idx").write_bytes(b"MMIDIDX")
    source = {"format": "megatron", "on_error": "skip"}
    assert len([document for document in read(tmp_path, **source) if document.token_ids]) == 2
    assert left_out(tmp_path, **source) == {"damaged files of Megatron": 1}
    (tmp_path / "b.bin").write_bytes(bytes(8))
    assert left_out(tmp_path, **source) == {"damaged files of Megatron": 2}
