"""What a reader gives for each record of its range: a text, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_prep.sources.faults import Fault


@dataclass(frozen=True)
class Text:
    """The text of a document, or the token ids of its sequences in the place of text."""

    text: str
    num_bytes: int
    # sequences that were no text in their encoding
    num_invalid: int = 0
    tokens: list[NDArray[np.integer]] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.tokens and not self.text.strip()


Record: TypeAlias = Text | Fault
