"""The reader of terms to be normalised (CHIP-CDN): candidates are looked up, and the model says which are meant.

The form of CBLUE's baseline and of ERNIE-Health (CHIP-CDN-2C): a text beside a term is a pair of two classes. Trained
are the right terms and the likeliest wrong ones; asked is every candidate. CBLUE's second model, of how many terms a
text has, is left out: what is meant is every candidate that is rather meant than not, or the likeliest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import Feature, Lazily, Reader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.task import Example, Terms

# Texts whose likeness to all terms is looked at together.
_AT_ONCE = 256


class Normalised(Reader):
    def to_learn(self, examples: Sequence[Example]) -> Sequence[Feature]:
        pairs = []
        for number, candidates in enumerate(self._candidates([example.text for example in examples])):
            right = cast(Terms, examples[number].target).terms
            wrong = [term for term in candidates if term not in right][: self.settings.negatives]
            pairs += [(number, term, 1) for term in right] + [(number, term, 0) for term in wrong]
        return self._features(examples, pairs)

    def features(self, examples: Sequence[Example]) -> Sequence[Feature]:
        found = enumerate(self._candidates([example.text for example in examples]))
        return self._features(examples, [(number, term, 0) for number, terms in found for term in terms])

    def _features(self, examples: Sequence[Example], pairs: Sequence[tuple[int, str, int]]) -> Sequence[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        return Lazily([partial(self._feature, number, examples[number].text, *pair) for number, *pair in pairs])

    def _feature(self, number: int, text: str, term: str, label: int) -> Feature:
        return Feature(number, (self.tokenizer.encode(text, term),), {"labels": label})

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        candidates = list(self._candidates([example.text for example in examples]))
        right = [set(cast(Terms, example.target).terms) for example in examples]
        margins = iter(float(values[1] - values[0]) for values in said)
        predicted = [_meant({term: next(margins) for term in terms}) for terms in candidates]
        among = sum(len(terms & set(found)) for terms, found in zip(right, candidates, strict=True))
        return metrics.of_sets(predicted, right) | {"among_candidates": among / max(1, sum(map(len, right)))}

    def _candidates(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """The standard terms that share most with each text, the likeliest first."""
        vectorizer, terms = self._index
        most = min(self.settings.candidates, len(self.task.labels))
        for first in range(0, len(texts), _AT_ONCE):
            likeness = (vectorizer.transform(texts[first : first + _AT_ONCE]) @ terms.T).toarray()
            for row in np.argsort(-likeness, axis=1, kind="stable")[:, :most]:
                yield [self.task.labels[place] for place in row]

    @cached_property
    def _index(self) -> tuple[Any, Any]:
        """TF-IDF of single characters and of pairs, which needs no dictionary of words."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
        return vectorizer, vectorizer.fit_transform(self.task.labels)


def _meant(margins: dict[str, float]) -> set[str]:
    return {term for term, margin in margins.items() if margin > 0} or {max(margins, key=lambda term: margins[term])}
