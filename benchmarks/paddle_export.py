"""Check that exports load in a real PaddleNLP and give the same outputs there.

The check takes two commands, since Paddle needs its own environment. In this project's environment, write a small
generator and discriminator in both formats, together with the outputs that they compute for some rows:

    python -m benchmarks.paddle_export write FOLDER

In an environment with paddlepaddle 2.6.2, paddlenlp 2.8.1 and numpy 1.26.4, load the export and compare:

    python benchmarks/paddle_export.py read FOLDER
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

# All rows have one length, because PaddleNLP finds padding by the ids, and transformers by a mask.
ROWS, LENGTH = 4, 24
TOLERANCE = 1e-5
WIDTH = 32
MODELS = {
    "electra": "objectives={mlm={weight=1.0}, rtd={weight=50.0}}",
    "ernie_health": "objectives.csp={weight=1.0, width=16, temperature=0.07}",
}
CLASSES = {"electra": "ElectraDiscriminator", "ernie_health": "ErnieHealthDiscriminator"}


def write(folder: Path) -> None:
    """Export pairs with randomly drawn weights from a checkpoint, as a run would hold them."""
    import torch

    from configs.load import load
    from pretrain.export.config import stated
    from pretrain.export.paddle import write as write_paddle
    from pretrain.export.source import Source
    from pretrain.model.pair import ElectraPair
    from pretrain.released.network import Network
    from pretrain.released.shapes import TowerName

    for name, objectives in MODELS.items():
        torch.manual_seed(1)
        tower = f"{{layers=2, hidden={WIDTH}, heads=4, intermediate=64}}"
        views = ["batch.views=1"] if name == "electra" else []
        shape = [f"model.embedding={WIDTH}", f"model.discriminator={tower}", f"model.generator={tower}"]
        recipe = load("health", [*shape, "vocabulary.size=200", objectives, *views])
        pair = ElectraPair(recipe).eval()
        for parameter in pair.parameters():  # weights of this size all show in the outputs
            torch.nn.init.normal_(parameter, std=0.3)
        parts: tuple[TowerName, ...] = ("discriminator", "generator")
        networks: dict[TowerName, Network] = {
            part: Network(part, pair.tower(part), stated(recipe, part), name) for part in parts
        }
        words = folder / name / "words"
        words.mkdir(parents=True)
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        (words / "vocab.txt").write_text("".join(f"{w}\n" for w in [*special, *(f"w{n}" for n in range(195))]))
        source = Source(name, networks, dict.fromkeys(parts, pair), words)
        write_paddle(source, parts, folder / name)
        tokens = torch.randint(5, 200, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
        inputs = (tokens, torch.zeros_like(tokens), torch.ones_like(tokens).bool())
        outputs = {part: source.outputs(part, *inputs, states=False).numpy() for part in parts}
        np.savez(
            folder / name / "expected.npz",
            tokens=tokens.numpy(),
            discriminator=outputs["discriminator"],
            generator=outputs["generator"],
        )


def read(folder: Path) -> None:
    """Load the export in PaddleNLP, and exit with 1 where the outputs differ by more than the tolerance."""
    # Use zlib before Paddle is imported: Paddle's library hides zlib's symbols from modules that are loaded after it.
    zlib.decompress(zlib.compress(b""))
    import paddle  # pyright: ignore[reportMissingImports]
    import paddlenlp  # pyright: ignore[reportMissingImports]

    print(f"paddlepaddle {paddle.__version__}, paddlenlp {paddlenlp.__version__}, numpy {np.__version__}")
    failures = 0
    for name, discriminator in CLASSES.items():
        expected = np.load(folder / name / "expected.npz")
        for part, class_name in (("discriminator", discriminator), ("generator", "ElectraGenerator")):
            model = getattr(paddlenlp.transformers, class_name).from_pretrained(str(folder / name / part))
            difference = float(np.abs(_logits(paddle, model, expected["tokens"]) - expected[part]).max())
            largest = float(np.abs(expected[part]).max())
            print(f"{name} {part} in {class_name}: largest difference {difference:.1e} of logits up to {largest:.1f}")
            failures += not difference <= TOLERANCE
    sys.exit(bool(failures))


def _logits(paddle: Any, model: Any, tokens: np.ndarray) -> np.ndarray:
    model.eval()
    with paddle.no_grad():
        if type(model).__name__ != "ErnieHealthDiscriminator":
            return model(paddle.to_tensor(tokens)).numpy()
        candidates = paddle.to_tensor(np.repeat(tokens[:, :, None], 6, axis=2))
        return model(paddle.to_tensor(tokens), candidates)[0].numpy()


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
