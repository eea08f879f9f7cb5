"""Times are stored in one format."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from configs.common.clock import utc_now


def test_the_present_time_in_utc_to_the_second() -> None:
    text = utc_now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    assert abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(minutes=1)
