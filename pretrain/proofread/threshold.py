"""The threshold over which a token is flagged, and its false-alarm rate on held-out rows of a corpus.

The rows are shown to the discriminator as they are, without replacements, so that every flagged token is a false alarm.
Half of the rows choose the threshold, and the other half measures its rate: on the rows that chose it, the rate would
be too good.

Letters: R rows, N tokens.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from configs.common.errors import UserError
from data_prep.shards import Corpus, Planes
from pretrain.evaluation.rows.scores import Score, ratio
from pretrain.export.examples import examples_at, lay_out, places_of
from pretrain.export.held_out import at
from pretrain.proofread.model import Proofreader
from pretrain.step.loader import held_out_numbers

# A rate of 1 % is then chosen from and measured on about 160 alarms.
_MOST_TOKENS = 32_768


@dataclass(frozen=True)
class Threshold:
    """Tokens with a higher suspicion are flagged. The false-alarm rate is None if it was not measured."""

    value: float
    false_alarms: Score | None = None
    num_tokens: int = 0  # on which the rate was measured
    num_rows: int = 0
    origin: str = ""  # the folder of the corpus

    def record(self) -> dict[str, Any]:
        """Return the content of a line of JSON. If no rate was measured, it is None."""
        rate = asdict(self.false_alarms) if self.false_alarms else None
        measured = {"tokens": self.num_tokens, "rows": self.num_rows, "corpus": self.origin} if rate else {}
        return {"threshold": self.value, "false_alarms": rate} | measured

    def line(self) -> str:
        """Return a sentence for people."""
        if self.false_alarms is None:
            return f"threshold {self.value:.4g}; its false-alarm rate was not measured"
        rate = self.false_alarms
        assert rate.value is not None and rate.low is not None and rate.high is not None, "rows without tokens"
        return (
            f"threshold {self.value:.4g}: {rate.value:.2%} of {self.num_tokens:,} original tokens in "
            f"{self.num_rows:,} held-out rows of {self.origin} are above it (95 % interval over rows: "
            f"{rate.low:.2%} to {rate.high:.2%})"
        )


@dataclass(frozen=True)
class OriginalTokens:
    """The suspicion of original tokens, and the row of each."""

    suspicion: NDArray[np.float64]  # [N]
    row: NDArray[np.int64]  # [N], from 0 to num_rows - 1
    num_rows: int
    origin: str

    def half(self, number: int) -> OriginalTokens:
        """Return every second row, beginning with row `number`, which is 0 or 1."""
        mine = self.row % 2 == number
        num_rows = (self.num_rows + 1 - number) // 2
        return OriginalTokens(self.suspicion[mine], self.row[mine] // 2, num_rows, self.origin)

    def measure(self, value: float) -> Threshold:
        """Measure the false-alarm rate of a threshold on these tokens."""
        alarms, tokens = (
            np.bincount(self.row, each, minlength=self.num_rows).astype(np.float64)
            for each in (self.suspicion > value, np.ones_like(self.suspicion))
        )
        return Threshold(value, ratio(alarms, tokens, 0, 1), len(self.row), self.num_rows, self.origin)

    def choose(self, rate: float) -> float:
        """Return the lowest threshold above which at most this share of these tokens lies.

        Raises UserError when there are too few tokens for the rate.
        """
        allowed = int(rate * len(self.suspicion))
        if not allowed:
            raise UserError(
                f"--false-alarms {rate:g}: {len(self.suspicion):,} held-out tokens of {self.origin} choose the "
                f"threshold, which are too few for so low a rate; give at least {1 / len(self.suspicion):.2g}, or a "
                "corpus with more held-out rows"
            )
        return float(np.sort(self.suspicion)[-1 - allowed])


def threshold_for(tokens: OriginalTokens, rate: float) -> Threshold:
    """Choose the threshold for a false-alarm rate on one half of the rows, and measure it on the other half."""
    return tokens.half(1).measure(tokens.half(0).choose(rate))


@torch.no_grad()
def original_tokens(reader: Proofreader, corpus: Corpus) -> OriginalTokens:
    """Compute the suspicion of tokens in held-out rows, without [CLS] and [SEP]. The rows are always the same.

    Raises UserError when fewer than four rows are held out, because an interval over half of them needs two.
    """
    assert reader.discriminator is not None
    num_rows = min(corpus.num_rows("validation"), max(4, _MOST_TOKENS // corpus.data.row_length))
    if num_rows < 4:
        raise UserError(
            f"{corpus.folder}: {num_rows} rows are held out, and a false-alarm rate needs four; prepare it with a "
            "higher data.validation_share"
        )
    planes = Planes.of(
        corpus.read("validation", held_out_numbers(corpus, num_rows, corpus.manifest.seed)), corpus.special
    )
    places = places_of(planes)
    examples = examples_at(planes, places, min(corpus.data.row_length, reader.length), corpus.special.pad, "")
    chosen = torch.from_numpy(lay_out(planes.maskable, places, examples.tokens.shape[1]))
    outputs = at(reader.discriminator.discriminator_logits, examples, chosen)
    rows = np.repeat([row for row, _, _ in places], chosen.sum(1).numpy())
    return OriginalTokens(expit(torch.cat([*outputs]).double().numpy()), rows, num_rows, str(corpus.folder))
