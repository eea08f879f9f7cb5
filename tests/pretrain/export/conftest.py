"""One run that many tests export."""

from __future__ import annotations

from tests.trained import run as run
