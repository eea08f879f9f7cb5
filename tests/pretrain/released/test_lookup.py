"""What a user may name, and what is found there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.released.lookup import open_released
from tests.released import release
from tests.trained import run as run


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no model; name a run or a checkpoint of ours, an export"):
        open_released(str(tmp_path / "empty"))
    with pytest.raises(UserError, match="holds no model"):
        open_released(str(tmp_path / "nowhere"))
    release(tmp_path)
    config = json.loads((tmp_path / "x-generator" / "config.json").read_text())
    (tmp_path / "x-generator" / "config.json").write_text(json.dumps(config | {"model_type": "roberta"}))
    with pytest.raises(UserError, match="model_type is roberta: its positions begin after"):
        open_released(str(tmp_path / "x-generator"))


def test_each_network_of_a_run_has_its_own_heads(run: Path) -> None:
    """A run that takes the generator of one run and the discriminator of another gets each head from one of them."""
    networks = open_released(str(run)).networks
    heads = {
        part: {name.split(".")[1] for name in network.weights if name.startswith("objectives.")}
        for part, network in networks.items()
    }
    assert heads == {"generator": {"mlm"}, "discriminator": {"rtd"}}
