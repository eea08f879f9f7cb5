"""Check that a real TensorFlow restores the variables of an export, as google-research/electra's fine-tuning does.

The check takes two commands, since TensorFlow needs its own environment. In this project's environment, export a small
pair with random weights, and store the arrays that it was made of:

    python -m benchmarks.tensorflow_export write FOLDER

In an environment with tensorflow-cpu 2.21.0, restore the checkpoint and compare:

    python benchmarks/tensorflow_export.py read FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

EXPECTED = "expected.npz"


def write(folder: Path) -> None:
    """Export a pair with randomly drawn weights, as a run would hold them, and store its arrays by Google's names."""
    import torch

    from configs.load import load
    from pretrain.export.config import stated
    from pretrain.export.source import Source
    from pretrain.export.tensorflow import arrays_of
    from pretrain.export.tensorflow import write as write_tensorflow
    from pretrain.model.pair import ElectraPair
    from pretrain.released.network import Network
    from pretrain.released.shapes import TowerName

    torch.manual_seed(1)
    recipe = load("tiny", ["vocabulary.size=200"])
    pair = ElectraPair(recipe).eval()
    parts: tuple[TowerName, ...] = ("discriminator", "generator")
    networks: dict[TowerName, Network] = {
        part: Network(part, pair.tower(part), stated(recipe, part), "tiny") for part in parts
    }
    words = folder / "words"
    words.mkdir(parents=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (words / "vocab.txt").write_text("".join(f"{word}\n" for word in [*special, *(f"w{n}" for n in range(195))]))
    write_tensorflow(Source("tiny", networks, dict.fromkeys(parts, pair), words), parts, folder / "export")
    arrays: dict[str, Any] = {**arrays_of(list(networks.values()))}
    np.savez(folder / EXPECTED, **arrays)


def read(folder: Path) -> None:
    """Restore every variable in two ways, and exit with 1 where a name, a shape or a number differs."""
    import tensorflow as tf  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

    export, expected = str(folder / "export"), dict(np.load(folder / EXPECTED))
    print(f"tensorflow {tf.__version__}, numpy {np.__version__}")
    shapes = {name: tuple(shape) for name, shape in tf.train.list_variables(export)}
    failures = sorted(expected.keys() ^ shapes.keys())
    failures += [name for name in shapes if not np.array_equal(tf.train.load_variable(export, name), expected[name])]
    print(f"tf.train.load_variable: {len(shapes)} variables, {len(failures)} differ")
    restored = _initialized(tf, export, expected)
    different = [name for name, array in expected.items() if not np.array_equal(restored[name], array)]
    print(f"tf.compat.v1.train.init_from_checkpoint: {len(restored)} variables, {len(different)} differ")
    sys.exit(bool(failures or different))


def _initialized(tf: Any, export: str, expected: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Make a variable for each array in a graph of TensorFlow 1, and initialize all from the folder of the export."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = {name: tf.compat.v1.get_variable(name, array.shape, tf.float32) for name, array in expected.items()}
        tf.compat.v1.train.init_from_checkpoint(export, {name: name for name in expected})
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(variables)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
