"""The import of DeepSpeed: quiet, and without the libraries that it would load for parts that nobody uses here."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from configs.common import chatter
from pretrain.step.world import World


def import_deepspeed(world: World) -> Any:
    """Import DeepSpeed only when it is needed, because the import takes seconds, and keep it quiet.

    Its long reports would only repeat the recipe.
    """
    os.environ.setdefault("DS_ACCELERATOR", world.device.type)
    os.environ.setdefault("LOCAL_RANK", "0")
    if not chatter.is_wanted():
        warnings.filterwarnings("ignore", category=FutureWarning, module="torch.distributed")
        logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    with _without_mlflow():
        import deepspeed
        import deepspeed.ops

    if not chatter.is_wanted():
        # Importing DeepSpeed has set the level again.
        logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    # Leave out an all-reduce through shared memory that would be compiled at the first start on a CPU.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    return deepspeed


@contextmanager
def _without_mlflow() -> Iterator[None]:
    """Let DeepSpeed find no MLflow, because its autotuner imports it, and nobody uses the autotuner here.

    The import takes a second where MLflow is installed. A run that tracks with MLflow has imported it before.
    """
    if "mlflow" in sys.modules:
        yield
        return
    sys.modules["mlflow"] = None  # pyright: ignore[reportArgumentType]  # an import raises ImportError
    try:
        yield
    finally:
        del sys.modules["mlflow"]
