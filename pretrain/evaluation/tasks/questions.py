"""The reader and the head for questions whose answers are spans of a context, or that have no answer.

Letters: B features, L tokens.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pretrain.evaluation.tasks import answers
from pretrain.evaluation.tasks.features import Feature, TaskReader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import Answer, Answers, LabelledExample


@dataclass(frozen=True)
class QuestionOutput:
    loss: Tensor | None
    logits: Tensor  # [B, L, 2]: the answer begins here; the answer ends here


class ElectraForQuestions(nn.Module):
    """The head of transformers' ElectraForQuestionAnswering, except that no answer can begin or end in padding.

    In transformers' softmax padding takes part, so the loss of an example depends on the longest example of its batch.
    Google's code masks padding, as here.
    """

    def __init__(self, config: Any):
        super().__init__()
        from transformers import ElectraModel

        self.electra = ElectraModel(config)
        self.qa_outputs = nn.Linear(config.hidden_size, config.num_labels)
        nn.init.normal_(self.qa_outputs.weight, std=config.initializer_range)
        nn.init.zeros_(self.qa_outputs.bias)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, **places: Tensor
    ) -> QuestionOutput:
        """Inputs are [B, L]. `places`: start_positions and end_positions, [B]."""
        states = self.electra(input_ids, attention_mask, token_type_ids).last_hidden_state
        logits = self.qa_outputs(states).float()
        logits = logits.masked_fill(~attention_mask.bool()[..., None], torch.finfo(logits.dtype).min)
        if not places:
            return QuestionOutput(None, logits)
        # [B, 2] against [B, L, 2]: torch expects the classes, which are places here, in the second dimension.
        targets = torch.stack([places["start_positions"], places["end_positions"]], -1)
        return QuestionOutput(cross_entropy(logits, targets), logits)


@dataclass
class _BestSpan:
    """The likeliest answer of an example over its windows so far, and the score of "there is no answer"."""

    score: float = -np.inf
    text: str = ""
    # The minimum over the windows, because no answer means that no window has one (as in BERT's run_squad.py).
    no_answer_score: float = np.inf


class QuestionReader(TaskReader):
    """A context is read in overlapping windows. [CLS] is the target if the answer is not in the window."""

    def features(self, examples: Sequence[LabelledExample]) -> list[Feature]:
        # At most a quarter, so that every window has room for new text, however long the question is.
        stride = min(self.settings.stride, self.settings.length // 4)
        self.tokenizer.enable_truncation(self.settings.length, stride=stride, strategy="only_second")
        features: list[Feature] = []
        for number, example in enumerate(examples):
            assert example.pair is not None
            encoding = self.tokenizer.encode(self._shortened(example.text), example.pair)
            windows = (encoding, *encoding.overflowing)
            correct = [_covered(windows, answer) for answer in cast(Answers, example.target).answers[:1]]
            for window in windows:
                start, end = _place(window, correct[0]) if correct else (0, 0)
                features.append(Feature(number, (window,), {"start_positions": start, "end_positions": end}))
        return features

    def _shortened(self, question: str) -> str:
        """The question, cut to half a window."""
        encoding = self.tokenizer.encode(question, add_special_tokens=False)
        most = self.settings.length // 2
        return question if len(encoding.ids) <= most else question[: encoding.offsets[most - 1][1]]

    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        """`outputs` are the logits of starts and ends, [L, 2] for each feature."""
        spans = [_BestSpan() for _ in examples]
        for feature, logits in zip(features, outputs, strict=True):
            score, start, end = self._best_span(feature.encoding, logits)
            best = spans[feature.example]
            best.no_answer_score = min(best.no_answer_score, float(logits[0].sum()))
            if score > best.score:
                context = cast(str, examples[feature.example].pair)
                offsets = feature.encoding.offsets
                best.score, best.text = score, _with_marks(context, offsets[start][0], offsets[end][1])
        correct = [[answer.text for answer in cast(Answers, example.target).answers] for example in examples]
        doubts = [span.no_answer_score - span.score for span in spans]
        return answers.score_answers([span.text for span in spans], correct, doubts)

    def _best_span(self, window: Encoding, logits: NDArray[np.float32]) -> tuple[float, int, int]:
        """The likeliest pair of places in the context, from [L, 2] -> its logit, start and end."""
        inside, logits = np.array(window.sequence_ids) == 1, logits[: len(window.ids)]
        sums = logits[:, None, 0] + logits[None, :, 1]
        lengths = np.arange(len(logits))[None, :] - np.arange(len(logits))[:, None]
        allowed = inside[:, None] & inside[None, :] & (lengths >= 0) & (lengths < self.settings.answer_length)
        start, end = np.unravel_index(np.where(allowed, sums, -np.inf).argmax(), sums.shape)
        return float(sums[start, end]), int(start), int(end)


def _with_marks(context: str, start: int, end: int) -> str:
    """The text from start to end with the marks behind it that BERT's tokenizer removes where it strips accents.

    These are the characters of the category Mn. Signs of vowels in Hindi are among them.
    """
    while end < len(context) and unicodedata.category(context[end]) == "Mn":
        end += 1
    return context[start:end]


def _covered(windows: Sequence[Encoding], answer: Answer) -> Answer:
    """The answer without characters at its edges that are in no token, such as blanks."""
    first, last = answer.start, answer.start + len(answer.text)
    inside = [
        span
        for window in windows
        for source, span in zip(window.sequence_ids, window.offsets, strict=True)
        if source == 1 and span[0] < last and span[1] > first
    ]
    if not inside:
        return answer
    start, end = max(first, min(begin for begin, _ in inside)), min(last, max(end for _, end in inside))
    return Answer(answer.text[start - first : end - first], start)


def _place(window: Encoding, answer: Answer) -> tuple[int, int]:
    """The first and the last token of an answer; (0, 0) when the window does not hold all of it."""
    first, last = answer.start, answer.start + len(answer.text)
    inside = [
        place
        for place, (source, (start, end)) in enumerate(zip(window.sequence_ids, window.offsets, strict=True))
        if source == 1 and start < last and end > first
    ]
    complete = inside and window.offsets[inside[0]][0] <= first and window.offsets[inside[-1]][1] >= last
    return (inside[0], inside[-1]) if complete else (0, 0)
