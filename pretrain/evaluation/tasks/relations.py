"""Relations between parts of a text (CMeIE), by the head that ERNIE-Health was published with.

PaddleNLP's ElectraForSPO (model_zoo/ernie-health/cblue): which tokens begin and end something, and for each kind of
relation a bilinear score of two beginnings. It differs in one thing: a beginning or an end is one from a probability
of a half, and not of 0.62 (a logit of .5).

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
from pretrain.evaluation.tasks.features import IGNORED, Feature, Reader, firsts
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.task import Example, Relation, Relations

Span = tuple[int, int]


@dataclass(frozen=True)
class Output:
    loss: Tensor | None
    ends: Tensor  # [B, L, 2]: something begins here; something ends here
    pairs: Tensor  # [B, R, L, L]: what begins here has this relation to what begins there


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

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, **places: Tensor) -> Output:
        """Inputs are [B, L]. `places`: starts and ends, [B, N]; kinds, subjects and objects, [B, M]; -100 is none."""
        read = self.electra(input_ids, attention_mask, token_type_ids, output_hidden_states=True)
        states = self.dropout(read.last_hidden_state)
        ends = self.ends(states)
        # Objects are looked for in the layer below, with what [CLS] knows of the whole text.
        pairs = self._pairs(states, read.hidden_states[-2] + states[:, :1])
        return Output(_loss(ends, pairs, attention_mask.bool(), places) if places else None, ends, pairs)

    def _pairs(self, subjects: Tensor, objects: Tensor) -> Tensor:
        hidden = subjects.shape[-1]
        left, right = (
            self.subjects(subjects).unflatten(-1, (-1, hidden)),
            self.objects(objects).unflatten(-1, (-1, hidden)),
        )
        return torch.einsum("bird,bjrd->brij", left, right) * hidden**-0.5


def _loss(ends: Tensor, pairs: Tensor, real: Tensor, places: dict[str, Tensor]) -> Tensor:
    """Binary cross entropies, summed over a text: of a logit x that is softplus(x), less x where the label is 1."""
    both = real[:, :, None] & real[:, None, :]
    sums = softplus(ends)[real].sum() + (softplus(pairs) * both[:, None]).sum()
    for number, name in enumerate(("starts", "ends")):
        sums = sums - _at(ends[..., number], places[name])
    return (sums - _at(pairs, places["kinds"], places["subjects"], places["objects"])) / len(real)


def _at(logits: Tensor, *places: Tensor) -> Tensor:
    row, column = (places[0] != IGNORED).nonzero(as_tuple=True)
    return logits[(row, *(place[row, column] for place in places))].sum()


class Triples(Reader):
    """Each character is a word; what lies behind the length is not read."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        encodings = [self.tokenizer.encode(list(example.words), is_pretokenized=True) for example in examples]
        return [
            Feature(number, (encoding,), self._labels(example, firsts(encoding)))
            for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True))
        ]

    def _labels(self, example: Example, tokens: dict[int, int]) -> dict[str, list[int]]:
        """Places of what is found in the text, by tokens. The records name parts of it by their words alone."""
        spans, triples = set[Span](), set[tuple[int, int, int]]()
        for relation in cast(Relations, example.target).relations:
            places = places_of("".join(example.words), relation)
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

    def said(self, output: Output) -> list[tuple[list[Span], list[list[int]]]]:
        """Of each text the spans, and [kind, subject, object] by tokens: the scores of all pairs would fill a disk."""
        return [
            (list(_spans(ends.cpu())), (pairs > 0).nonzero().tolist())
            for ends, pairs in zip(output.ends > 0, output.pairs, strict=True)
        ]

    def score(self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[Any]) -> Metrics:
        predicted = [
            set(self._triples(examples[feature.example], feature.encoding, *found))
            for feature, found in zip(features, said, strict=True)
        ]
        return metrics.of_sets(predicted, [set(cast(Relations, example.target).relations) for example in examples])

    def _triples(
        self, example: Example, encoding: Encoding, spans: list[Span], pairs: list[list[int]]
    ) -> Iterator[Relation]:
        characters = encoding.word_ids
        texts = {
            start: "".join(example.words[first : last + 1])
            for start, end in spans
            if end < len(characters)
            and (first := characters[start]) is not None
            and (last := characters[end]) is not None
        }
        for kind, subject, thing in pairs:
            if subject in texts and thing in texts:
                yield Relation(texts[subject], self.task.labels[kind], texts[thing])


def _spans(ends: Tensor) -> Iterator[Span]:
    """[L, 2] of what begins and ends -> each beginning with the next end."""
    starts, stops = (column.nonzero().flatten().tolist() for column in ends.unbind(-1))
    for start in starts:
        if (stop := next((stop for stop in stops if stop >= start), None)) is not None:
            yield start, stop


def places_of(text: str, relation: Relation) -> list[Span]:
    """Characters of subject and object, each at its first place; none where one of them is not in the text.

    The longer one is looked for first, and the other one not inside of it, as PaddleNLP does it.
    """
    text, names = text.lower(), [relation.subject.lower(), relation.object.lower()]
    longer = int(len(names[1]) >= len(names[0]))
    found: dict[int, Span] = {}
    for which in (longer, 1 - longer):
        taken = found.get(longer, (0, 0))
        starts = (place for place in range(len(text)) if text.startswith(names[which], place))
        start = next((place for place in starts if not taken[0] <= place < taken[1]), None)
        if start is None or not names[which]:
            return []
        found[which] = (start, start + len(names[which]))
    return [found[0], found[1]]
