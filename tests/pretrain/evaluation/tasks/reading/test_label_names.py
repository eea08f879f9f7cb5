"""Names of classes that stand beside the files of a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.label_names import declared_names

NAMES = ["O", "B-x"]
FEATURE = {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}
FILES: dict[str, Any] = {
    "labels.txt": "O\nB-x\n",
    "info.json": {"labels": NAMES},
    "dataset_info.json": {"features": {"pos_tags": {"names": ["y"]}, "ner_tags": FEATURE}},
    "dataset_infos.json": {
        "default": {"features": {"ner_tags": FEATURE | {"feature": {"names": {"0": "O", "1": "B-x"}}}}}
    },
}


@pytest.mark.parametrize("name", FILES)
def test_names(name: str, tmp_path: Path) -> None:
    assert declared_names(tmp_path, "ner_tags") == []
    content = FILES[name]
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert declared_names(tmp_path, "ner_tags") == NAMES


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "info.json").write_text("{")
    with pytest.raises(UserError, match=r"info\.json: is not JSON .* correct or remove it"):
        declared_names(tmp_path, "label")
