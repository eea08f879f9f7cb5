"""The reader of texts whose terms are to be normalised (CHIP-CDN): candidates are looked up, and the model chooses.

This is the form of CBLUE's baseline and of ERNIE-Health (CHIP-CDN-2C): a text paired with a term has one of two
classes. Training uses the correct terms and the most similar wrong terms; prediction uses every candidate. CBLUE's
second model, which counts the terms of a text, is left out: every candidate with a probability above a half is
predicted, or the most probable candidate where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import Feature, LazyFeatures, TaskReader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import LabelledExample, Terms

# This many texts are compared with all terms at once. The matrix of similarities has a row for each of them.
_TEXTS_AT_ONCE = 256


class TermReader(TaskReader):
    def training_features(self, examples: Sequence[LabelledExample]) -> Sequence[Feature]:
        pairs: list[tuple[int, str, int]] = []
        for number, candidates in enumerate(self._candidates([example.text for example in examples])):
            correct = cast(Terms, examples[number].target).terms
            wrong = [term for term in candidates if term not in correct][: self.settings.negatives]
            pairs += [(number, term, 1) for term in correct] + [(number, term, 0) for term in wrong]
        return self._pair_features(examples, pairs)

    def features(self, examples: Sequence[LabelledExample]) -> Sequence[Feature]:
        candidates = enumerate(self._candidates([example.text for example in examples]))
        return self._pair_features(examples, [(number, term, 0) for number, terms in candidates for term in terms])

    def _pair_features(
        self, examples: Sequence[LabelledExample], pairs: Sequence[tuple[int, str, int]]
    ) -> Sequence[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        return LazyFeatures([partial(self._feature, number, examples[number].text, *pair) for number, *pair in pairs])

    def _feature(self, number: int, text: str, term: str, label: int) -> Feature:
        return Feature(number, (self.tokenizer.encode(text, term),), {"labels": label})

    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        candidates = list(self._candidates([example.text for example in examples]))
        correct = [set(cast(Terms, example.target).terms) for example in examples]
        margins = iter(float(logits[1] - logits[0]) for logits in outputs)
        predicted = [_predicted_terms({term: next(margins) for term in terms}) for terms in candidates]
        num_reachable = sum(len(terms & set(listed)) for terms, listed in zip(correct, candidates, strict=True))
        reachable = num_reachable / max(1, sum(map(len, correct)))
        return metrics.score_sets(predicted, correct) | {"among_candidates": reachable}

    def _candidates(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """The standard terms most similar to each text, the most similar term first."""
        vectorizer, terms = self._index
        most = min(self.settings.candidates, len(self.task.labels))
        for first in range(0, len(texts), _TEXTS_AT_ONCE):
            similarity = (vectorizer.transform(texts[first : first + _TEXTS_AT_ONCE]) @ terms.T).toarray()
            for row in np.argsort(-similarity, axis=1, kind="stable")[:, :most]:
                yield [self.task.labels[place] for place in row]

    @cached_property
    def _index(self) -> tuple[Any, Any]:
        """TF-IDF of single characters and of pairs of them, which works in Chinese without a word segmenter."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
        return vectorizer, vectorizer.fit_transform(self.task.labels)


def _predicted_terms(margins: dict[str, float]) -> set[str]:
    positive = {term for term, margin in margins.items() if margin > 0}
    return positive or {max(margins, key=lambda term: margins[term])}
