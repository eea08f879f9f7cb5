"""The reader and the head for relations between parts of a text (CMeIE), as published with ERNIE-Health.

PaddleNLP's ElectraForSPO (model_zoo/ernie-health/cblue) predicts at which tokens parts begin and end, and for each
kind of relation a bilinear score of two beginnings. One thing differs: a beginning or an end is predicted from a
probability of 0.5, where PaddleNLP's threshold is 0.62 (a logit of 0.5).

Letters: B features, L tokens, R kinds of relations, D hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from tokenizers import Encoding
from torch import Tensor, nn
from torch.nn.functional import softplus

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import IGNORED_LABEL, Feature, TaskReader, first_tokens
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import LabelledExample, Relation, Relations

Span = tuple[int, int]


@dataclass(frozen=True)
class RelationOutput:
    loss: Tensor | None
    ends: Tensor  # [B, L, 2], logits: a part begins here; a part ends here
    pairs: Tensor  # [B, R, L, L], logits: the part that begins here has this relation to the part that begins there


class ElectraForRelations(nn.Module):
    def __init__(self, config: Any):
        super().__init__()
        from transformers import ElectraModel

        self.electra = ElectraModel(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.ends = nn.Linear(config.hidden_size, 2)
        self.subjects = nn.Linear(config.hidden_size, config.hidden_size * config.num_labels)
        self.objects = nn.Linear(config.hidden_size, config.hidden_size * config.num_labels)
        for layer in (self.ends, self.subjects, self.objects):
            nn.init.normal_(layer.weight, std=config.initializer_range)
            nn.init.zeros_(layer.bias)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, **places: Tensor
    ) -> RelationOutput:
        """Inputs are [B, L]. `places`: starts and ends, [B, N]; kinds, subjects and objects, [B, M]; -100 pads."""
        encoded = self.electra(input_ids, attention_mask, token_type_ids, output_hidden_states=True)
        states = self.dropout(encoded.last_hidden_state)
        ends = self.ends(states)
        # Objects use the states of the layer below the top, plus [CLS], which summarises the text.
        pairs = self._pairs(states, encoded.hidden_states[-2] + states[:, :1])
        return RelationOutput(_loss(ends, pairs, attention_mask.bool(), places) if places else None, ends, pairs)

    def _pairs(self, subjects: Tensor, objects: Tensor) -> Tensor:
        hidden = subjects.shape[-1]
        left, right = (
            self.subjects(subjects).unflatten(-1, (-1, hidden)),
            self.objects(objects).unflatten(-1, (-1, hidden)),
        )
        return torch.einsum("bird,bjrd->brij", left, right) * hidden**-0.5


def _loss(ends: Tensor, pairs: Tensor, real: Tensor, places: dict[str, Tensor]) -> Tensor:
    """Binary cross entropies, summed over a text: for a logit x it is softplus(x), minus x where the label is 1."""
    both = real[:, :, None] & real[:, None, :]
    sums = softplus(ends)[real].sum() + (softplus(pairs) * both[:, None]).sum()
    for number, name in enumerate(("starts", "ends")):
        sums = sums - _sum_at(ends[..., number], places[name])
    return (sums - _sum_at(pairs, places["kinds"], places["subjects"], places["objects"])) / len(real)


def _sum_at(logits: Tensor, *places: Tensor) -> Tensor:
    row, column = (places[0] != IGNORED_LABEL).nonzero(as_tuple=True)
    return logits[(row, *(place[row, column] for place in places))].sum()


class RelationReader(TaskReader):
    """Each character is a word. Text beyond the length of a feature is not read."""

    def features(self, examples: Sequence[LabelledExample]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        encodings = [self.tokenizer.encode(list(example.words), is_pretokenized=True) for example in examples]
        return [
            Feature(number, (encoding,), self._labels(example, first_tokens(encoding)))
            for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True))
        ]

    def _labels(self, example: LabelledExample, tokens: dict[int, int]) -> dict[str, list[int]]:
        """The tokens of subjects and objects, looked up in the text because the records do not give their places."""
        spans, triples = set[Span](), set[tuple[int, int, int]]()
        for relation in cast(Relations, example.target).relations:
            places = find_places("".join(example.words), relation)
            ends = [tuple(tokens.get(place) for place in (start, end - 1)) for start, end in places]
            if len(ends) == 2 and all(None not in pair for pair in ends):
                spans |= {cast(Span, pair) for pair in ends}
                triples.add((self.task.labels.index(relation.kind), cast(int, ends[0][0]), cast(int, ends[1][0])))
        columns = [list(column) for column in zip(*sorted(triples), strict=True)] or [[], [], []]
        return {
            "starts": sorted({start for start, _ in spans}),
            "ends": sorted({end for _, end in spans}),
            **dict(zip(("kinds", "subjects", "objects"), columns, strict=True)),
        }

    def outputs_by_feature(self, output: RelationOutput) -> list[tuple[list[Span], list[list[int]]]]:
        """For each text its spans, and [kind, subject, object] by tokens: the logits of all pairs would fill a disk."""
        return [
            (list(_spans(ends.cpu())), (pairs > 0).nonzero().tolist())
            for ends, pairs in zip(output.ends > 0, output.pairs, strict=True)
        ]

    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[Any]
    ) -> Metrics:
        predicted = [
            set(self._triples(examples[feature.example], feature.encoding, *output))
            for feature, output in zip(features, outputs, strict=True)
        ]
        return metrics.score_sets(predicted, [set(cast(Relations, example.target).relations) for example in examples])

    def _triples(
        self, example: LabelledExample, encoding: Encoding, spans: list[Span], pairs: list[list[int]]
    ) -> Iterator[Relation]:
        characters = encoding.word_ids
        texts = {
            start: "".join(example.words[first : last + 1])
            for start, end in spans
            if end < len(characters)
            and (first := characters[start]) is not None
            and (last := characters[end]) is not None
        }
        for kind, subject, object_ in pairs:
            if subject in texts and object_ in texts:
                yield Relation(texts[subject], self.task.labels[kind], texts[object_])


def _spans(ends: Tensor) -> Iterator[Span]:
    """[L, 2], whether a part begins and ends at a token -> each beginning with the next end."""
    starts, stops = (column.nonzero().flatten().tolist() for column in ends.unbind(-1))
    for start in starts:
        if (stop := next((stop for stop in stops if stop >= start), None)) is not None:
            yield start, stop


def find_places(text: str, relation: Relation) -> list[Span]:
    """The characters of subject and object, each where it first occurs; empty when either does not occur.

    The longer name is located first, and the other name outside of it, as PaddleNLP does it.
    """
    text, names = text.lower(), [relation.subject.lower(), relation.object.lower()]
    longer = int(len(names[1]) >= len(names[0]))
    places: dict[int, Span] = {}
    for number in (longer, 1 - longer):
        taken = places.get(longer, (0, 0))
        starts = (place for place in range(len(text)) if text.startswith(names[number], place))
        start = next((place for place in starts if not taken[0] <= place < taken[1]), None)
        if start is None or not names[number]:
            return []
        places[number] = (start, start + len(names[number]))
    return [places[0], places[1]]
