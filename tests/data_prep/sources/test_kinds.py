"""First bytes of files that hold no text."""

from __future__ import annotations

import io
import tarfile

import pytest

from data_prep.sources.kinds import is_wikiextractor, other_kind


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (tar(), "a tar archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer in place of the file"),
        (b"BZh91AY&SY", "compressed as a .bz2 file"),
    ],
)
def test_other_kinds(head: bytes, kind: str) -> None:
    assert (other_kind(head) or ("",))[0] == kind


def test_text_is_of_no_other_kind() -> None:
    assert other_kind(b"BZhang wrote: PK and %PDF are names") is None
    assert is_wikiextractor(b'\n<doc id="1">') and not is_wikiextractor(b"<document>")
