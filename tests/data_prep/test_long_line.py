"""A document of one 50 MB line is cut into rows without holding all of its tokens in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.shards import Corpus
from tests.conftest import SMALL

# Processing the whole line at once would take 4.2 GB.
_LARGEST_PEAK_BYTES = 900e6
_PEAK = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
    "print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN,)) * 1024); sys.exit(code)"
)


@pytest.mark.slow
def test_one_line_of_50_megabytes(text_file: Path, tmp_path: Path) -> None:
    line = text_file.read_text(encoding="utf-8").replace("\n", " ")
    text = tmp_path / "long.txt"
    text.write_text((line * (50_000_000 // len(line) + 1))[:50_000_000], encoding="utf-8")
    command = ["-m", "data_prep", "prepare", "tiny", *SMALL, f"data.sources={text}", "data.validation_share=0.0"]
    options = ["vocabulary.sample_bytes=60000000", "--workers", "1", "--out", str(tmp_path / "out")]
    finished = subprocess.run(
        [sys.executable, "-c", _PEAK, sys.executable, *command, *options], capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    peak = int(finished.stdout.split("\n")[-2])
    assert peak < _LARGEST_PEAK_BYTES, f"{peak / 1e6:.0f} MB"
    corpus = Corpus(tmp_path / "out")
    assert corpus.num_rows("train") * corpus.data.row_length > 8_000_000
    assert (corpus.manifest.sources[0].documents, corpus.num_rows("validation")) == (1, 0)
