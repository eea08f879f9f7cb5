"""Models of every kind are opened with what they have, or refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import ElectraModel

from configs.common.errors import UserError
from pretrain.proofread.model import Proofreader, open_proofreader
from tests.released import config


def test_a_run_has_both_networks_and_windows_of_a_row(reader: Proofreader) -> None:
    assert reader.discriminator and reader.generator and reader.length == 64
    assert not [*reader.remarks()]


def test_a_released_pair_has_both_networks_and_windows_of_all_positions(chinese: Proofreader) -> None:
    assert chinese.discriminator and chinese.generator and chinese.length == 40
    assert "--window" in " ".join(chinese.remarks())


@pytest.mark.parametrize(("part", "missing"), [("discriminator", "no generator"), ("generator", "no discriminator")])
def test_one_network_alone_is_opened_and_says_what_is_missing(
    released: Path, tmp_path: Path, part: str, missing: str
) -> None:
    shutil.copytree(released / f"x-{part}", tmp_path / "alone")
    reader = open_proofreader(str(tmp_path / "alone"))
    assert bool(reader.discriminator) == (part == "discriminator")
    assert bool(reader.generator) == (part == "generator")
    assert missing in " ".join(reader.remarks())


def test_an_encoder_alone_is_refused(released: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    entries = len((released / "vocab.txt").read_text(encoding="utf-8").splitlines())
    ElectraModel(config(entries, {"layers": 1, "hidden": 16, "heads": 1, "intermediate": 16})).save_pretrained(tmp_path)
    shutil.copyfile(released / "vocab.txt", tmp_path / "vocab.txt")
    with pytest.raises(UserError, match="neither a discriminator nor a generator with its head"):
        open_proofreader(str(tmp_path))


@pytest.mark.parametrize("window", [3, 41])
def test_a_window_that_no_position_serves_is_refused(released: Path, window: int) -> None:
    with pytest.raises(UserError, match=f"--window {window}: must be from 4 to 40"):
        open_proofreader(str(released / "x-discriminator"), window)


def test_proposed_entries_are_whole_words(chinese: Proofreader) -> None:
    entries = [chinese.tokenizer.id_to_token(number) for number in range(len(chinese.whole_words))]
    kept = {entry for entry, is_kept in zip(entries, chinese.whole_words.tolist(), strict=True) if is_kept}
    assert {"今", "the", "a", "."} <= kept
    assert not kept & {"[MASK]", "[CLS]", "##a"}
