"""Every document is counted once, and only those that stay are passed on."""

from __future__ import annotations

from pathlib import Path

from data_prep import duplicates
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument
from data_prep.sources.faults import LeftOut
from data_prep.steps.counting import CountDocuments, WriteKeys

DOCUMENTS = [
    SourceDocument("kept", "a", num_bytes=5, invalid_sequences=2, personal_data={"e-mail address": 1}),
    SourceDocument("", "b", left_out=LeftOut("damaged", "a.txt: is damaged")),
    *(SourceDocument(f"{number} " + "x" * 400, "c", drop_reason="Length: too long") for number in range(5)),
    SourceDocument("kept too", "d", source=1, num_bytes=9),
]


def test_documents_are_counted_by_what_becomes_of_them() -> None:
    report = TaskReport()
    kept = list(CountDocuments(report).run(DOCUMENTS))
    assert [document.text for document in kept] == ["kept", "kept too"]
    assert (report.documents, report.bytes) == ({"0": 1, "1": 1}, {"0": 5, "1": 9})
    assert (report.invalid_sequences, report.personal) == (2, {"e-mail address": 1})
    assert (report.skipped, report.dropped) == ({"damaged": 1}, {"Length: too long": 5})
    samples = report.dropped_samples["Length: too long"]
    assert [(sample[0], len(sample)) for sample in samples] == [("0", 300), ("1", 300), ("2", 300)]


def test_equal_keys_tell_repeated_documents_and_copies_do_not_count(tmp_path: Path) -> None:
    for task, texts in enumerate([["one", "two"], ["two", "three", "one"]]):
        documents = [SourceDocument(text, "", copy=copy) for text in texts for copy in (0, 1)]
        assert list(WriteKeys(tmp_path).run(documents, task)) == documents
    assert len(duplicates.find(tmp_path)) == 2


def test_a_weight_repeats_documents_and_not_what_they_lack() -> None:
    report = TaskReport()
    copies = [SourceDocument("kept", "a", copy=copy, invalid_sequences=2, personal_data={"e": 1}) for copy in range(3)]
    dropped = [SourceDocument("short", "b", copy=copy, drop_reason="Length") for copy in range(3)]
    assert list(CountDocuments(report).run([*copies, *dropped])) == copies
    assert report.documents == {"0": 3}
    assert (report.invalid_sequences, report.personal, report.dropped) == (2, {"e": 1}, {"Length": 1})
    assert report.dropped_samples == {"Length": ["short"]}
