"""What keeps a record, a file, or the rest of a file from being read."""

from __future__ import annotations

import errno
import gzip
import lzma
import zlib
from dataclasses import dataclass

import pyarrow as pa
import zstandard

# An error of the storage with one of these numbers may pass by itself; every other error lasts.
_PASSING = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EINTR,
    errno.EIO,
    errno.EMFILE,
    errno.ENETDOWN,
    errno.ENETRESET,
    errno.ENETUNREACH,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EPIPE,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
# What decompressors and pyarrow raise for content that is not whole, besides OSErrors without a number.
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zstandard.ZstdError, pa.ArrowException)
# The libraries by which fsspec reads remote storage raise errors of their own, which are often no OSErrors.
_CLIENTS = {"aiobotocore", "aiohttp", "botocore", "gcsfs", "httpx", "httpx2", "huggingface_hub", "requests", "urllib3"}
# Answers of a server that may pass: too slow, too early, too many requests. Every answer from 500 on may pass too.
_PASSING_ANSWERS = {408, 425, 429}
# Without an answer, an error of a client may pass if its class, or a class above it, has such a word in its name.
_PASSING_NAMES = ("Connect", "Disconnected", "Network", "RemoteProtocol", "Timeout")
SKIP = 'leave such records out with on_error = "skip"'


@dataclass(frozen=True)
class LeftOut:
    """Records or files that are left out.

    `reason` is a plural noun by which they are counted, such as "records with null". `sentence` describes one of them:
    the file, the place and the cause. `count` is how many there are.
    """

    reason: str
    sentence: str
    count: int = 1


class Fault(Exception):
    """A record or a file that cannot be used. Its message is a sentence with the remedy."""

    def __init__(self, reason: str, sentence: str, remedy: str = SKIP):
        super().__init__(reason, sentence, remedy)
        self.left_out, self.remedy = LeftOut(reason, sentence), remedy

    def __str__(self) -> str:
        return f"{self.left_out.sentence}; {self.remedy}" if self.remedy else self.left_out.sentence


def describe(path: str, place: int, error: BaseException) -> Fault:
    """An error of a decompressor, of pyarrow or of the storage, raised after `place`, as a fault of the file."""
    cause = cause_of(error)
    if _is_of_client(error) or (isinstance(error, OSError) and error.errno is not None):
        sentence = f"{path}: cannot be read ({getattr(error, 'strerror', None) or cause})"
        return Fault("files that cannot be read", sentence, 'name another file, or leave it out with on_error = "skip"')
    after = f" after {place:,}" if place else ""
    return Fault(
        "damaged files, from the damage on",
        f"{path}: is damaged or cut short{after} ({cause})",
        'mend it, or leave its rest out with on_error = "skip"',
    )


def cause_of(error: BaseException) -> str:
    """Return the message of an error on one line, or the name of its class if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def can_be_described(error: BaseException) -> bool:
    """Whether an error comes from the content of a file or from the storage, and not from our own code."""
    return isinstance(error, (*DAMAGE, OSError)) or _is_of_client(error)


def will_pass(error: BaseException) -> bool:
    """Whether an error of the storage may not occur when the same is attempted later."""
    if isinstance(error, ConnectionError | TimeoutError) or getattr(error, "errno", None) in _PASSING:
        return True
    if not _is_of_client(error):
        return False
    if answer := _answer(error):
        return answer >= 500 or answer in _PASSING_ANSWERS
    return any(word in kind.__name__ for kind in type(error).__mro__ for word in _PASSING_NAMES)


def _is_of_client(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in _CLIENTS


def _answer(error: BaseException) -> int | None:
    """Return the HTTP status with which the server answered. Every library stores it in another place."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # of botocore
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    places = ((response, "status_code"), (error, "status"), (error, "code"))
    return next((status for place, name in places if isinstance(status := getattr(place, name, None), int)), None)
