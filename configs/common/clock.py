"""This module formats times for files."""

from __future__ import annotations

import time


def utc_now() -> str:
    """Return the present time in UTC as ISO 8601, to the second: 2026-01-31T12:00:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
