"""When a record is empty."""

from __future__ import annotations

import numpy as np

from data_prep.sources.records import Text


def test_white_space_is_no_text_and_token_ids_are_content() -> None:
    assert Text(" \n", 2).is_empty
    assert not Text("a", 1).is_empty
    assert not Text("", 2, tokens=[np.array([5])]).is_empty
    assert Text("", 0, tokens=[]).is_empty
