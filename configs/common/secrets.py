"""Locations are stored and printed without the passwords and signatures that a URL may contain."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainSerializer

# The first pattern finds the password in scheme://user:password@. The second finds the query, which contains the
# signature of a signed URL.
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"']*@")
_QUERY = re.compile(r"(://[^\s?\"']*)\?[^\s\"']*")

# Names of environment variables whose values are secrets. A path to a file with credentials is none.
_SECRET_VARIABLE = re.compile("(API_KEY|ACCESS_KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)


def is_secret(variable: str, value: str) -> bool:
    """Whether an environment variable holds a secret, by its name or because its value is a URL with a password."""
    return bool(_SECRET_VARIABLE.search(variable)) or without_secrets(value) != value


def without_secrets(text: str) -> str:
    """Return `text` without the user name and password (before the @) and the query (after the ?) of the URLs in it."""
    return _QUERY.sub(r"\1", _CREDENTIALS.sub("", text))


# In memory a location is complete, so that it can be opened. Written as JSON or TOML, or shown, it has no secrets.
Location = Annotated[str, PlainSerializer(without_secrets, when_used="json")]
