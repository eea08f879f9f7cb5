"""Find repeated documents: the probability law of MinHash, the search against brute force, and complete corpora."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from datatrove.pipeline.dedup import minhash as datatrove_minhash
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer
from hypothesis import given
from hypothesis import strategies as st

from configs.common.files import read_json
from configs.load import load
from data_prep import duplicates
from data_prep.document import SourceDocument
from data_prep.prepare import prepare
from tests.conftest import SMALL, documents
from tests.data_prep.conftest import Preparations, fingerprint


def document(text: str, **fields: Any) -> SourceDocument:
    return SourceDocument(text=text, id="", **fields)


def words(generator: np.random.Generator, number: int) -> list[str]:
    return [f"w{word}" for word in generator.integers(0, 2**40, number)]


@pytest.mark.parametrize(("similarity", "shared"), [(1 / 3, 0.0021), (0.6, 0.2105), (0.8, 0.9235)])
def test_two_texts_share_a_signature_by_the_law(similarity: float, shared: float) -> None:
    """Two texts share a signature with probability 1 - (1 - s^8)^14, where s is their similarity.

    Each text has 200 runs of five words, and the similarity decides how many of the runs are common. The tolerance is
    four standard errors.
    """
    generator, pairs, runs = np.random.default_rng(7), 400, 200
    common = round(2 * runs * similarity / (1 + similarity))
    hits = 0
    for _ in range(pairs):
        begin = words(generator, common + 4)
        left, right = (begin + words(generator, runs - common) for _ in range(2))
        hits += bool(
            (duplicates.minhash(document(" ".join(left))) == duplicates.minhash(document(" ".join(right)))).any()
        )
    assert abs(hits / pairs - shared) < 4 * np.sqrt(shared * (1 - shared) / pairs)


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("one two three", "One, two; THREE!", True),
        ("one two three", "one two four", False),
        ("", "...", False),
        ("...", "...", True),
        ("第一条为了惩罚犯罪保护人民", "第一条 为了惩罚犯罪，保护人民。", True),
        ("第一条为了惩罚犯罪保护人民", "第二章犯罪和刑事责任的规定", False),
    ],
)
def test_short_texts_and_texts_without_spaces(left: str, right: str, alike: bool) -> None:
    same = duplicates.minhash(document(left)) == duplicates.minhash(document(right))
    assert same.all() if alike else not same.any()


def test_ids_have_signatures_too() -> None:
    one, same, other = (
        document("", token_ids=[np.array(ids)]) for ids in ([*range(50)], [*range(50)], [*range(50, 100)])
    )
    assert (duplicates.minhash(one) == duplicates.minhash(same)).all()
    assert not (duplicates.minhash(one) == duplicates.minhash(other)).any()


@given(
    st.lists(st.lists(st.lists(st.integers(0, 30), min_size=2, max_size=2), max_size=12), min_size=1, max_size=6),
    st.integers(1, 9),
)
def test_all_but_the_first_of_the_connected_are_found(tasks: list[list[list[int]]], part: int) -> None:
    """Compare with a search that goes from each document to all that share a signature, until there are no more."""
    signatures = {(task << 32) | n: {*one} for task, of_task in enumerate(tasks) for n, one in enumerate(of_task)}
    left, expected = set(signatures), []
    for place in signatures:
        reached: set[int] = set()
        frontier = {place} & left
        while frontier:
            left -= frontier
            reached |= frontier
            frontier = {other for other in left if any(signatures[other] & signatures[one] for one in frontier)}
        expected += sorted(reached)[1:]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_PART", part)
        for task, of_task in enumerate(tasks):
            # The signatures are spread over the 64 bits, as hashes are.
            spread = [np.array(one, np.uint64) * np.uint64(2**59 + 1) for one in of_task]
            duplicates.write(Path(folder), task, [*range(len(of_task))], spread)
        assert duplicates.find(Path(folder)).tolist() == sorted(expected)


@given(st.lists(st.lists(st.integers(0, 20), max_size=20), min_size=1, max_size=6), st.integers(1, 9))
def test_documents_with_one_signature_are_counted(tasks: list[list[int]], part: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_PART", part)
        for task, keys in enumerate(tasks):
            spread = [np.array([key], np.uint64) * np.uint64(2**59 + 1) for key in keys]
            duplicates.write(Path(folder), task, [*range(len(keys))], spread)
        assert duplicates.count(Path(folder)) == len(duplicates.find(Path(folder)))
        assert duplicates.count(Path(folder)) == sum(map(len, tasks)) - len({key for keys in tasks for key in keys})


class Words(WordTokenizer):
    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        raise NotImplementedError  # the method is abstract, and signatures need only words

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError  # signatures do not need this method either


def test_the_groups_are_those_of_datatrove(tmp_path: Path) -> None:
    """Compare on pages, and on pages with one changed word.

    Their similarities are far from those at which chance decides for datatrove or for us.
    """
    generator = np.random.default_rng(3)
    texts = [page.lower() for page in documents(30) if len(page.split()) > 300]
    texts = ["".join(letter for letter in text if letter.isalpha() or letter.isspace()) for text in texts]
    for source in generator.integers(0, len(texts), 20):
        changed = texts[source].split()
        changed[generator.integers(len(changed))] = "changed"
        texts.append(" ".join(changed))
    pages = [document(text) for text in texts]
    folders = [str(tmp_path / name) for name in ("signatures", "pairs", "left")]
    config = datatrove_minhash.MinhashConfig(
        hash_config=HashConfig(hash_fc="sha1")
    )  # datatrove's default hash fails with our xxhash
    datatrove_minhash.MinhashDedupSignature(folders[0], config, language=Words()).run(pages)  # type: ignore[arg-type]  it takes a tokenizer too
    for bucket in range(config.num_buckets):
        datatrove_minhash.MinhashDedupBuckets(*folders[:2], config=config).run(
            rank=bucket, world_size=config.num_buckets
        )
    datatrove_minhash.MinhashDedupCluster(*folders[1:], config=config, save_cluster_id=True).run()
    in_groups = np.fromfile(f"{folders[2]}/000000.clusters", "<u4").reshape(-1, 2)
    expected = {
        int(place) for group in np.unique(in_groups[:, 1]) for place in in_groups[in_groups[:, 1] == group, 0][1:]
    }
    duplicates.WriteSignatures(tmp_path, "minhash").run(pages)
    assert duplicates.find(tmp_path).tolist() == sorted(expected)
    assert len(expected) == 20


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two files of pages that have 6 pages in common: 2 with a changed word and 1 with other spaces."""
    folder = tmp_path_factory.mktemp("sources")
    pages = [page for page in documents(60) if len(page.split()) > 100]
    again = [pages[1], pages[3], pages[5], pages[7].replace(" the ", " teh ", 1), pages[9].replace(" a ", " an ", 1)]
    again += ["  ".join(pages[11].split(" "))]
    (folder / "a.txt").write_text("\n\n".join(pages[:30]), encoding="utf-8")
    (folder / "b.txt").write_text("\n\n".join([*again, *pages[30:40]]), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("method", "left_out", "kept"), [("none", 0, 3), ("exact", 3, 0), ("minhash", 6, 0)])
def test_a_corpus_without_repeated_documents(
    sources: Path, tmp_path: Path, method: str, left_out: int, kept: int
) -> None:
    paths = f"data.sources=[{{path='{sources}/a.txt'}}, {{path='{sources}/b.txt', weight=2.0}}]"
    prepare(load("tiny", [*SMALL, paths, f"data.deduplicate={method}"]), tmp_path / "corpus", workers=1)
    report = read_json(tmp_path / "corpus" / "report.json")
    assert [source["documents"] for source in report["sources"]] == [30, 2 * (16 - left_out)]
    assert sum(entry["documents"] for entry in report["dropped"]) == left_out  # whatever the weight
    assert report["repeated"] == kept
    page = (tmp_path / "corpus" / "report.html").read_text()
    assert f"{kept} documents have the text of an earlier one" in page
    assert not left_out or "the text of an earlier document" in page


@pytest.mark.slow
def test_all_ways_leave_out_the_same(preparations: Preparations, tmp_path: Path) -> None:
    """Compare the corpora of one process, two processes, shares at once, and shares in turn.

    Of the shares in turn, one share also does the work that the others need.
    """
    options = "data.deduplicate=minhash"
    ways = {"one": ("--workers", "1"), "two": ("--workers", "2")}
    for name, way in ways.items():
        done = preparations.run(tmp_path / name, options, *way)
        assert done.returncode == 0, done.stderr
    shares = [preparations.start(tmp_path / "shares", options, "--task", f"{n}/3", "--workers", "1") for n in range(3)]
    assert all(share.wait() == 0 for share in shares)
    for n in (2, 0, 1):
        assert preparations.run(tmp_path / "in turn", options, "--task", f"{n}/3").returncode == 0
    expected = fingerprint(tmp_path / "one")
    assert all(fingerprint(tmp_path / name) == expected for name in ("two", "shares", "in turn"))
    report = read_json(tmp_path / "one" / "report.json")
    assert report["dropped"][0]["documents"] > 1000
