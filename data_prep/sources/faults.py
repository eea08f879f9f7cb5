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
    cause = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        sentence = f"{path}: cannot be read ({error.strerror or cause})"
        return Fault("files that cannot be read", sentence, 'name another file, or leave it out with on_error = "skip"')
    after = f" after {place:,}" if place else ""
    return Fault(
        "damaged files, from the damage on",
        f"{path}: is damaged or cut short{after} ({cause})",
        'mend it, or leave its rest out with on_error = "skip"',
    )


def will_pass(error: OSError) -> bool:
    """Whether the same attempt may succeed later."""
    return isinstance(error, ConnectionError | TimeoutError) or error.errno in _PASSING
