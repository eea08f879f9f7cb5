"""Describe the machine on which a figure was measured."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import version
from pathlib import Path


def processor() -> str:
    path = Path("/proc/cpuinfo")
    names = [line for line in path.read_text().splitlines() if line.startswith("model name")] if path.exists() else []
    return names[0].partition(": ")[2] if names else platform.processor()


def packages_and_date(*packages: str) -> str:
    named = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{named}; {datetime.date.today()}"
