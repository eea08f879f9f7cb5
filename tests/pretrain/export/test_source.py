"""What is opened for export: runs, released models and cut discriminators, each computed by a pair of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import ElectraModel

from configs.common.errors import UserError
from pretrain.export.checkpoints import Choice
from pretrain.export.examples import examples_for
from pretrain.export.source import open_source
from tests.pretrain.paddle import GOLDEN
from tests.released import release


@pytest.fixture
def released(corpus_folder: Path, tmp_path: Path) -> Path:
    release(tmp_path, corpus_folder / "vocab.txt", max_positions=64)
    return tmp_path / "x-discriminator"


def test_a_run_and_a_released_model_have_both_networks(run: Path, released: Path) -> None:
    for folder in (run, released):
        source = open_source(str(folder), Choice())
        assert set(source.networks) == set(source.pairs) == {"discriminator", "generator"}
        assert (source.tokenizer / "vocab.txt").is_file()
        assert bool(source.training) == (folder == run)


def test_a_cut_discriminator_gives_the_states_of_that_layer(released: Path) -> None:
    """As transformers computes them on the whole model."""
    source = open_source(str(released), Choice(), layers=1)
    assert set(source.networks) == {"discriminator"}
    assert source.layers_before == 2
    assert not any(name.startswith("objectives.") for name in source.networks["discriminator"].weights)
    examples = examples_for(source, None)
    whole = ElectraModel.from_pretrained(released).eval()
    with torch.no_grad():
        states = whole(examples.tokens, examples.real.long(), examples.segments, output_hidden_states=True)
    source_states = source.outputs("discriminator", examples.tokens, examples.segments, examples.real, states=True)
    torch.testing.assert_close(
        source_states[examples.real], states.hidden_states[1][examples.real], atol=1e-5, rtol=1e-5
    )


def test_what_is_refused(run: Path, released: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--layers 2: the discriminator of .* has 2; name fewer"):
        open_source(str(run), Choice(), layers=2)
    with pytest.raises(UserError, match="is no run, so it has no checkpoints for --checkpoint"):
        open_source(str(released), Choice("8"))
    with pytest.raises(UserError, match="holds no model"):
        open_source(str(tmp_path / "nowhere"), Choice())
    with pytest.raises(UserError, match=r"neither tokenizer\.json nor vocab\.txt lies beside it"):
        open_source(str(GOLDEN / "pd_ckpt_electra_discriminator"), Choice())
