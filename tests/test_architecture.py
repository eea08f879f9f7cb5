"""The arrows of import, and what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("configs", "data_prep", "pretrain", "launch")
# What a room may import when it is imported; launch imports more, but late.
MAY_IMPORT = {
    "configs": {"configs"},
    "data_prep": {"configs", "data_prep"},
    "pretrain": {"configs", "data_prep", "pretrain"},
    "launch": {"configs", "launch", "data_prep", "pretrain"},
}
# batch <- model, embeddings <- objectives <- pair <- engine, optim <- train; export behind model, pair and checkpoint
PRETRAIN_ORDER = (
    *("sampling", "batch", "linear", "attention", "model", "embeddings", "groups", "objectives", "pair"),
    *("optim", "loader", "engine", "train"),
)


def _imports(path: Path) -> Iterator[str]:
    """Modules that a file imports, late ones too, without those under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        nodes.extend(ast.iter_child_nodes(node))


def _files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_arrows_allow(room: str) -> None:
    for path in _files(room):
        for module in _imports(path):
            first = module.partition(".")[0]
            assert first not in ROOMS or first in MAY_IMPORT[room], f"{path} imports {module}"


def test_pretrain_reads_only_the_shards_of_data_prep() -> None:
    for path in _files("pretrain"):
        for module in _imports(path):
            if module.startswith("data_prep"):
                assert module == "data_prep" or module.startswith("data_prep.shards"), f"{path} imports {module}"


def test_deepspeed_has_one_door() -> None:
    importers = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in _files(room)
        if any(module.partition(".")[0] == "deepspeed" for module in _imports(path))
    }
    assert importers == {"pretrain/step/engine.py"}


def test_inside_pretrain_the_arrows_point_one_way() -> None:
    for index, name in enumerate(PRETRAIN_ORDER):
        path = ROOT / "pretrain" / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        later = {f"pretrain.{other}" for other in PRETRAIN_ORDER[index + 1 :]}
        for file in files:
            assert not later & set(_imports(file)), file


@pytest.mark.parametrize(
    "module", ["configs.load", "data_prep.prepare", "data_prep.__main__", "launch.cli", "launch.submit"]
)
def test_torch_stays_out(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_files_stay_small() -> None:
    for room in ROOMS:
        for path in _files(room):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_packages_are_named_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert set(include) == {name for room in ROOMS for name in (room, f"{room}.*")}
