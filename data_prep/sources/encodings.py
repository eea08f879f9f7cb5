"""Encodings of text: byte order marks, the check of a sample, and decoding that counts what is no text."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes

# UTF-32 first: its mark for little-endian text begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# A file is refused when most of its characters are no text in its encoding, or at least so many of them and one in a
# thousand, and they are most of those beyond ASCII: curly quotes of Windows in English UTF-8 are replaced and counted.
_FEW_INVALID, _INVALID_SHARE = 10, 1e-3
# NUL takes such a share of binary files, and of UTF-16 in Western languages without a mark.
_NUL_SHARE = 0.1


@dataclass(frozen=True)
class Encoding:
    """The encoding that a file is read in, and the length of the byte order mark before its text."""

    name: str
    mark_bytes: int = 0

    @property
    def is_wide(self) -> bool:
        """Whether a line does not end with the byte 0A, so that the file cannot be cut into lines before decoding."""
        return "\n".encode(self.name) != b"\n"


def encoding_of(head: bytes, stated: str) -> Encoding:
    """The encoding of a file that begins with `head`: a byte order mark is believed before the recipe."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return Encoding(name, len(mark))
    # With "utf-8-sig" a mark may be missing, and Python would write one before every line.
    return Encoding("utf-8" if codecs.lookup(stated).name == "utf-8-sig" else stated)


def problem(sample: bytes, encoding: Encoding) -> str:
    """How a sample of a file, cut between lines or anywhere, contradicts its encoding; "" when it does not.

    The answer is the rest of a sentence about the file, with a guess of the encoding where there is one.
    """
    if encoding.is_wide and not encoding.mark_bytes and sample and 0 not in sample:
        return f"is not {encoding.name} text (its line ends would hold bytes of 0, and there are none{_hint(sample)})"
    text, num_invalid = decode(sample, encoding.name)
    if not num_invalid:
        return ""
    characters = "".join(text.split())
    num_beyond_ascii = sum(character > "\x7f" for character in characters)
    is_most = num_invalid > len(characters) / 2
    is_much = num_invalid >= _FEW_INVALID and num_invalid > _INVALID_SHARE * len(characters)
    if is_most or (is_much and num_invalid > num_beyond_ascii / 2):
        cause = "holds too many NUL bytes to be text" if _has_many_nuls(sample) else f"is not {encoding.name} text"
        return f"{cause} ({num_invalid:,} of {len(characters):,} characters in a sample are invalid{_hint(sample)})"
    return ""


def decode(raw: bytes, encoding: str) -> tuple[str, int]:
    """(text, how many sequences are no text in the encoding). Each of them, and each NUL, becomes U+FFFD."""
    num_invalid = 0
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode(encoding, errors="replace")
        num_invalid = text.count("\ufffd") - raw.decode(encoding, errors="ignore").count("\ufffd")
    num_nuls = text.count("\0")
    return text.replace("\0", "\ufffd") if num_nuls else text, num_invalid + num_nuls


def whole_characters(text: str) -> tuple[str, int]:
    """(text, how many characters are no text): half a surrogate pair, which JSON can escape, and NUL become U+FFFD."""
    repaired = text.replace("\0", "\ufffd")
    try:
        repaired.encode()
    except UnicodeEncodeError:
        repaired = repaired.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return repaired, repaired.count("\ufffd") - text.count("\ufffd")


def _has_many_nuls(sample: bytes) -> bool:
    return sample.count(0) > _NUL_SHARE * len(sample)


def _hint(sample: bytes) -> str:
    guess = _guess(sample)
    return f"; it looks like {guess}" if guess else ""


def _guess(sample: bytes) -> str:
    """The most probable encoding, or ""."""
    if _has_many_nuls(sample):
        # In UTF-16, the high bytes of Western letters are 0: those at odd places when it is little-endian.
        odd, even = sample[1::2].count(0), sample[::2].count(0)
        if max(odd, even) < 5 * min(odd, even) + 5:
            return ""
        return "utf-16-le" if odd > even else "utf-16-be"
    best = from_bytes(sample).best()
    return best.encoding.replace("_", "-") if best else ""
