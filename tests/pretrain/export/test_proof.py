"""The proof fails where outputs are not the model's, by a little or by not being numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from pretrain.export.checkpoints import Choice
from pretrain.export.examples import examples_for
from pretrain.export.proof import CardFacts, Written, prove
from pretrain.export.source import open_source


@pytest.mark.parametrize("error", [0.0, 1e-5, 1e-3, torch.nan])
def test_a_difference_above_the_tolerance_is_refused(run: Path, tmp_path: Path, error: float) -> None:
    source = open_source(str(run), Choice())
    examples = examples_for(source, None)

    def outputs(tokens: torch.Tensor, segments: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        # what stands at padding does not count
        exact = source.outputs("discriminator", tokens, segments, real, states=False)
        return torch.where(real, exact + error, torch.nan)

    network = source.networks["discriminator"]
    written = Written(tmp_path, network, ("rtd",), outputs, "a test", CardFacts(None, ""))
    if error < 1e-4:
        proof = prove(source, written, examples)
        assert proof.difference <= proof.tolerance
        assert "discriminator, logits by a test on 8 rows of random tokens: largest difference" in str(proof)
    else:
        with pytest.raises(UserError, match="the export is not the model that was trained"):
            prove(source, written, examples)
