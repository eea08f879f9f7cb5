"""Time Google's own training step, in a Python that has TensorFlow and a checkout of google-research/electra.

benchmarks/train_step.py starts this file as `PYTHON google_step.py CHECKOUT NUMBERS`, where NUMBERS is JSON. It prints
the seconds of the median step. As in Google's training, rows are full, the graph itself masks them, and dropout is
Google's .1.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# Only the other Python has TensorFlow and Google's code, so this file imports them inside its functions.
from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any


def have_contrib() -> None:
    """Provide tensorflow.contrib, which ended with TensorFlow 1; Google's code uses one function of it."""
    import tensorflow.compat.v1 as tf

    def layer_norm(inputs: Any, begin_norm_axis: int, begin_params_axis: int, scope: str | None) -> Any:
        assert begin_norm_axis == begin_params_axis == -1
        with tf.variable_scope(scope, "LayerNorm"):
            shape = inputs.shape[-1:]
            beta = tf.get_variable("beta", shape, initializer=tf.zeros_initializer())
            gamma = tf.get_variable("gamma", shape, initializer=tf.ones_initializer())
            mean, variance = tf.nn.moments(inputs, [-1], keepdims=True)
            return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)

    contrib = types.ModuleType("tensorflow.contrib")
    contrib.layers = types.SimpleNamespace(layer_norm=layer_norm)  # type: ignore[attr-defined]  modules take anything
    sys.modules["tensorflow.contrib"] = contrib


def training(numbers: dict[str, Any], folder: Path) -> Any:
    """Return the operation that runs one training step, on rows of random words."""
    import configure_pretraining
    import numpy as np
    import run_pretraining
    import tensorflow.compat.v1 as tf
    from model import optimization

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"word{number}" for number in range(numbers["vocabulary"] - len(words))]
    (folder / "vocab.txt").write_text("\n".join(words))
    config = configure_pretraining.PretrainingConfig(
        "benchmark",
        str(folder),
        max_seq_length=numbers["length"],
        train_batch_size=numbers["rows"],
        vocab_size=numbers["vocabulary"],
        embedding_size=numbers["embedding"],
        generator_hidden_size=numbers["generator_width"],
        model_hparam_overrides=numbers["hparams"],
    )
    shape = (numbers["rows"], numbers["length"])
    ids = np.random.default_rng(0).integers(len(words) // 2, len(words), shape)
    ids[:, 0], ids[:, -1] = words.index("[CLS]"), words.index("[SEP]")
    features = {"input_ids": ids, "input_mask": np.ones(shape), "segment_ids": np.zeros(shape)}
    constants = {name: tf.constant(value.astype(np.int32)) for name, value in features.items()}
    model = run_pretraining.PretrainingModel(config, constants, is_training=True)
    return optimization.create_optimizer(
        model.total_loss, config.learning_rate, config.num_train_steps, config.weight_decay_rate, warmup_steps=10_000
    )


def main(checkout: str, numbers: dict[str, Any]) -> None:
    import tensorflow.compat.v1 as tf

    sys.path.insert(0, checkout)
    tf.disable_eager_execution()
    have_contrib()
    threads = numbers["threads"]
    settings = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    with tempfile.TemporaryDirectory() as folder, tf.Session(config=settings) as session:
        step = training(numbers, Path(folder))
        session.run(tf.global_variables_initializer())
        seconds = []
        for _ in range(numbers["warmup"] + numbers["steps"]):
            began = time.perf_counter()
            session.run(step)
            seconds.append(time.perf_counter() - began)
    print(statistics.median(seconds[numbers["warmup"] :]))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
