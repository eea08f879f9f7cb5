"""`electra inspect` prints the shape of each network, and as many parameters as transformers counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.released.show import show_model
from tests.released import NARROWER, TOWER, release

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(55))]


def _rows(shown: str) -> dict[str, list[str]]:
    """Return the cells of each line of the table by its title; cells lie two spaces apart."""
    cells = [[cell for cell in line.split("  ") if cell.strip()] for line in shown.splitlines()]
    return {line[0].strip(): [cell.strip() for cell in line[1:]] for line in cells if len(line) > 1}


def test_both_networks_by_hand_and_by_transformers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The embeddings have 16 x (60 + 40 + 2) weights and 32 of their normalization, in each of the networks."""
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    models = release(tmp_path, tmp_path / "vocab.txt")
    capsys.readouterr()  # transformers may have printed
    show_model(str(tmp_path / "x-discriminator"))
    shown = capsys.readouterr().out
    rows = _rows(shown)
    titles = {
        "layers": "layers",
        "hidden": "hidden size",
        "heads": "attention heads",
        "intermediate": "intermediate size",
    }
    for key, title in titles.items():
        assert rows[title] == [str(NARROWER[key]), str(TOWER[key])], title
    for title, value in (("embedding size", 16), ("rows of the vocabulary", 60), ("positions", 40), ("token types", 2)):
        assert rows[title] == [str(value)] * 2, title
    assert rows["head"] == ["yes", "yes"]
    assert rows["parameters"] == ["3,236", "20,385"]
    assert (models.generator.num_parameters(), models.discriminator.num_parameters()) == (3236, 20385)
    lines = shown.splitlines()
    assert [line.partition(":")[0] for line in lines[1:3]] == ["generator", "discriminator"]
    assert lines[-1] == f"vocabulary: {tmp_path / 'x-discriminator'}"


def test_one_network_without_a_vocabulary_in_a_folder_with_brackets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The brackets would be markup to rich, and the line is longer than 80 characters."""
    folder = tmp_path / "[red]中文" / ("long" * 20)
    release(folder)
    (folder / "x-generator").rename(tmp_path / "elsewhere")
    show_model(str(folder / "x-discriminator"))
    shown = capsys.readouterr().out
    assert shown.splitlines()[1].startswith(f"discriminator: {folder}/x-discriminator")
    assert _rows(shown)["parameters"] == ["20,385"]
    assert "vocabulary: no file in the folder of the model" in shown.splitlines()


def test_a_network_without_its_head(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The head of the detector has 32 x 32 + 32 weights below, and 32 + 1 on top."""
    release(tmp_path).discriminator.electra.save_pretrained(tmp_path / "encoder")
    show_model(str(tmp_path / "encoder"))
    rows = _rows(capsys.readouterr().out)
    assert rows["head"] == ["no"] and rows["parameters"] == [f"{20385 - 1056 - 33:,}"]


def test_what_is_no_model_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"^\./nowhere: no such folder, so it holds no model"):
        show_model("./nowhere")
    assert capsys.readouterr().out == ""
