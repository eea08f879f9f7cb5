"""The nested files of SQuAD, C3 and CHID become a record for each question or blank."""

from __future__ import annotations

from pretrain.evaluation.tasks.reading.trees import c3_records, chid_records, squad_records


def test_a_record_for_each_question_of_squad() -> None:
    answers = {"text": ["北京"], "answer_start": [0]}
    paragraphs = [
        {"context": "北京是首都", "qas": [{"question": "首都?", "answers": answers}, {"question": "谁?"}]},
        {"context": "empty", "qas": []},
    ]
    assert [*squad_records([{"paragraphs": paragraphs}, {"paragraphs": []}])] == [
        {"question": "首都?", "context": "北京是首都", "answers": answers},
        {"question": "谁?", "context": "北京是首都", "answers": None},
    ]


def test_a_record_for_each_question_of_c3() -> None:
    questions = [{"question": "q", "choice": ["a", "b"], "answer": "b"}, {"question": "r", "choice": ["c"]}]
    assert [*c3_records([[["one", "two"], questions, "1-1"], [["x"], [], "1-2"]])] == [
        {"text": "one\ntwo", "text_pair": "q", "choices": ["a", "b"], "label": "b"},
        {"text": "one\ntwo", "text_pair": "r", "choices": ["c"], "label": None},
    ]


def test_a_record_for_each_blank_of_chid() -> None:
    record = {"candidates": ["一心一意", "三心二意"], "content": ["他#idiom01#又#idiom02#。", "没有"]}
    first, second = chid_records(record, {"#idiom01#": 1})
    assert first["text"] == "他[MASK]又" + "[MASK]" * 4 + "。"
    assert second["text"] == "他" + "[MASK]" * 4 + "又[MASK]。"
    assert (first["label"], second["label"]) == (1, None)
    for made in (first, second):
        assert made["text"][made["blank"] :].startswith("[MASK]")
    assert (first["blank"], second["blank"]) == (1, 1 + 4 * 6 + 1)
