"""The proposals of a generator for words of a text.

Letters: B words, L length of a window, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pretrain.model.pair import ElectraPair
from pretrain.proofread.model import Proofreader
from pretrain.proofread.scoring import TOKENS_AT_ONCE, row_of
from pretrain.proofread.windows import windows
from pretrain.proofread.words import TokenizedText, Word

NUM_PROPOSALS = 8


@dataclass(frozen=True)
class Proposal:
    text: str
    probability: float


@dataclass(frozen=True)
class Proposals:
    best: list[Proposal]  # the most probable entries that are whole words, in this order
    itself: float | None  # the probability of the word in the text, or None if it is more than one token


@torch.no_grad()
def propose(reader: Proofreader, text: TokenizedText, words: Sequence[Word]) -> list[Proposals]:
    """Return the proposals for each word, by the generator that the model must have.

    One [MASK] is put in the place of the word, all other words stay, and the generator reads the window in which the
    word is scored. The probabilities are over the whole vocabulary, and entries that are no whole words are left out.
    """
    assert reader.generator is not None
    whole_words = reader.whole_words
    at_once = max(1, TOKENS_AT_ONCE // reader.length)
    answers = []
    for start in range(0, len(words), at_once):
        few = words[start : start + at_once]
        probabilities = _probabilities(reader, reader.generator, text, few)  # [B, V]
        best = probabilities.masked_fill(~whole_words, -1).topk(min(NUM_PROPOSALS, int(whole_words.sum())))
        for number, word in enumerate(few):
            pairs = zip(best.indices[number].tolist(), best.values[number].tolist(), strict=True)
            proposals = [Proposal(str(reader.tokenizer.id_to_token(entry)), value) for entry, value in pairs]
            is_one = word.last - word.first == 1
            itself = float(probabilities[number, text.tokens[word.first].id]) if is_one else None
            answers.append(Proposals(proposals, itself))
    return answers


def _probabilities(reader: Proofreader, generator: ElectraPair, text: TokenizedText, words: Sequence[Word]) -> Tensor:
    """Compute the distribution of the generator in the place of each word, [B, V]."""
    rows, places = zip(*(_masked(reader, text.ids, word) for word in words), strict=True)
    tokens = pad_sequence([*map(torch.tensor, rows)], batch_first=True, padding_value=reader.id_of("pad"))
    lengths = torch.tensor([len(row) for row in rows])
    real = torch.arange(tokens.shape[1]) < lengths[:, None]  # [B, L]
    states = generator.generator_states(tokens, torch.zeros_like(tokens), real)
    table = generator.embeddings.word.weight
    chosen = states[torch.arange(len(rows)), torch.tensor(places)]
    return generator.prediction.logits(chosen, table)[:, : len(table)].float().softmax(-1)


def _masked(reader: Proofreader, ids: Sequence[int], word: Word) -> tuple[list[int], int]:
    """Return the window of a word as a row of ids with [MASK] in its place, and this place in the row."""
    cuts = windows(len(ids), reader.length - 2)
    window = next(window for window in cuts if window.first <= word.first < window.last)
    row, place = row_of(reader, ids, window), 1 + word.first - window.start
    end = 1 + min(word.last, window.end) - window.start
    return [*row[:place], reader.id_of("mask"), *row[end:]], place
