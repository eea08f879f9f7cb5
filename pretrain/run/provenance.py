"""The provenance of each start of a run: command, code, packages and machine.

Other people may read it, so it holds no secrets.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from configs.common.clock import utc_now
from configs.common.git import commit
from configs.common.secrets import without_secrets
from pretrain.step.world import World

_PACKAGES = ("electra-pretraining", "torch", "deepspeed", "numpy", "tokenizers", "datatrove", "safetensors")
_SECRET_KEY = re.compile("(key|token|secret|password|credentials)$", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """A part of the pair: how many of its parameters were loaded, how many are new, and from where or why."""

    part: str
    loaded: int
    fresh: int
    remark: str


@dataclass(frozen=True)
class Loaded:
    """A report for the terminal and the provenance: which weights of the pair came from a model, and which are new."""

    model: str
    remarks: tuple[str, ...]
    table: tuple[Line, ...]

    def lines(self) -> Iterator[str]:
        yield f"begins with {self.model}:"
        for line in self.table:
            yield f"  {line.part:<24} {line.loaded:>13,} loaded {line.fresh:>13,} new    {line.remark}"
        for remark in self.remarks:
            yield f"  {remark}"


def start_of(world: World, dtype: torch.dtype) -> dict[str, Any]:
    """Describe this start of the run. Nothing else about the environment is recorded."""
    return {
        "time": utc_now(),
        "command": [shown(argument) for argument in sys.argv],
        "commit": commit(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else "cpu",
        "processes": world.size,
        "precision": str(dtype).removeprefix("torch."),
    }


def shown(argument: str) -> str:
    """Return an argument of the command without secrets: the value of a key such as `token`, or a password in a URL."""
    key, equals, _ = argument.partition("=")
    return f"{key}=..." if equals and _SECRET_KEY.search(key) else without_secrets(argument)
