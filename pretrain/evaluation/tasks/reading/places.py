"""Answers whose place in the file is wrong get the place where they occur, as in CMRC's own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence

from pretrain.evaluation.tasks.reading.task import Answer, Answers, LabelledExample


def with_valid_places(split: str, examples: list[LabelledExample], notes: list[str]) -> list[LabelledExample]:
    """Move each misplaced answer to its nearest occurrence in the context, and count it in `notes`.

    Training leaves out answers that are nowhere, and examples without any other. Held-out examples keep them, because
    only their text is compared.
    """
    if not examples or not isinstance(examples[0].target, Answers):
        return examples
    kept: list[LabelledExample] = []
    num_moved = num_absent = 0
    for example in examples:
        assert isinstance(example.target, Answers) and example.pair is not None
        given = example.target.answers
        placed = [_placed(example.pair, answer) for answer in given]
        valid = tuple(answer for answer in placed if answer is not None)
        num_moved += any(answer is not None and answer != old for answer, old in zip(placed, given, strict=True))
        num_absent += bool(given) and not valid
        if split != "train":
            kept.append(_with_answers(example, tuple(new or old for new, old in zip(placed, given, strict=True))))
        elif valid or not given:
            kept.append(_with_answers(example, valid))
    _note(split, num_moved, num_absent, notes)
    return kept


def _placed(context: str, answer: Answer) -> Answer | None:
    if context.startswith(answer.text, answer.start):
        return answer
    starts = _occurrences(context, answer.text)
    return Answer(answer.text, min(starts, key=lambda start: abs(start - answer.start))) if starts else None


def _occurrences(context: str, text: str) -> Sequence[int]:
    return [place for place in range(len(context)) if context.startswith(text, place)]


def _with_answers(example: LabelledExample, answers: tuple[Answer, ...]) -> LabelledExample:
    return LabelledExample(example.text, example.pair, example.words, Answers(answers))


def _note(split: str, num_moved: int, num_absent: int, notes: list[str]) -> None:
    if num_moved:
        notes.append(f"{split}: in {num_moved:,} records an answer is moved to where it stands in its context")
    if num_absent:
        consequence = "are left out" if split == "train" else "can only be matched by their text"
        notes.append(f"{split}: {num_absent:,} records whose answers are nowhere in their context {consequence}")
