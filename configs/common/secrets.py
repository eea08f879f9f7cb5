"""Locations as they are stored and printed: without the passwords and signatures that a URL may carry."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainSerializer

# scheme://user:password@, and the query, in which signed URLs carry their signature
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"']*@")
_QUERY = re.compile(r"(://[^\s?\"']*)\?[^\s\"']*")


def without_secrets(text: str) -> str:
    """`text` without what stands before the @ and behind the ? of the URLs in it."""
    return _QUERY.sub(r"\1", _CREDENTIALS.sub("", text))


# Whole in memory, to be read from; what is written as JSON or TOML, or shown, has no secrets.
Location = Annotated[str, PlainSerializer(without_secrets, when_used="json")]
