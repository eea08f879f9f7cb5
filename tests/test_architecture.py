"""The imports follow the law of ARCHITECTURE.md, and light modules stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("configs", "data_prep", "pretrain", "launch")
# The folders that each top-level folder may import from when it is imported. `launch` imports more, but only inside
# functions.
MAY_IMPORT = {
    "configs": {"configs"},
    "data_prep": {"configs", "data_prep"},
    "pretrain": {"configs", "data_prep", "pretrain"},
    "launch": {"configs", "launch", "data_prep", "pretrain"},
}
# Inside `pretrain`, a folder may import only from the folders before it in this order.
PRETRAIN_ORDER = ("model", "step", "run", ("released", "watch"), ("export", "evaluation"), "proofread")

# These modules have no test file of their own name, and for each the file that tests it. A new module does not belong
# here: its test file lies where one looks for it.
TESTED_ELSEWHERE = {
    "pretrain/evaluation/rows/model.py": "integration/test_evaluate.py",
    "pretrain/evaluation/rows/scoring.py": "pretrain/evaluation/rows/test_scores.py",
    "pretrain/evaluation/rows/show.py": "integration/test_evaluate.py",
    "pretrain/evaluation/tasks/show.py": "integration/test_finetune.py",
    "pretrain/export/options.py": "integration/test_export_refusals.py",
    "pretrain/model/objectives/__init__.py": "integration/test_health.py",
    "pretrain/released/adaptation.py": "integration/test_adapt.py",
    "pretrain/show.py": "integration/test_general.py",
    "pretrain/step/engine.py": "integration/test_layouts.py",
    "pretrain/train.py": "integration/test_run.py",
    "launch/adapt/command.py": "launch/adapt/test_execution.py",
    "launch/adapt/figures.py": "launch/adapt/test_page.py",
    "launch/backends/__init__.py": "launch/test_submit.py",
    "launch/demo.py": "integration/test_demo.py",
    "launch/templates/__init__.py": "launch/test_golden.py",
}
# No test can tell whether these modules do what they promise: a base class without behaviour, and a request to the C
# library whose effect only a measurement shows (benchmarks/train_step.py).
UNTESTED = {"data_prep/steps/base.py", "pretrain/step/allocator.py"}


def _imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also inside functions, but not those under `if TYPE_CHECKING`."""
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
    assert importers == {"pretrain/step/deepspeed_import.py"}


def test_inside_pretrain_the_arrows_point_one_way() -> None:
    rank = {
        folder: number
        for number, folders in enumerate(PRETRAIN_ORDER)
        for folder in ([folders] if isinstance(folders, str) else folders)
    }
    assert rank.keys() == {path.name for path in (ROOT / "pretrain").iterdir() if (path / "__init__.py").is_file()}
    for path in _files("pretrain"):
        folder = path.relative_to(ROOT / "pretrain").parts[0]
        for module in _imports(path):
            room, _, rest = module.partition(".")
            imported = rest.partition(".")[0]
            if room == "pretrain" and folder in rank and imported != folder:
                assert imported in rank, f"{path} imports {module}"
                assert rank[imported] < rank[folder], f"{path} imports {module}"


def test_no_files_import_each_other_in_a_circle() -> None:
    assert not _circle(_arrows())


def test_no_folders_import_each_other_in_a_circle() -> None:
    """Check every folder of the code for circles of imports between its subfolders.

    A folder and its own parent folder count as one, since the pair uses the objectives, which use the layers beside the
    pair.
    """
    for parent in {file.parent for room in ROOMS for file in _files(room)} - {ROOT}:
        arrows: dict[str, set[str]] = {}
        for source, targets in _arrows().items():
            for target in targets:
                ends = [Path(end).relative_to(parent).parts for end in (source, target) if parent in Path(end).parents]
                if len(ends) == 2 and min(map(len, ends)) > 1 and ends[0][0] != ends[1][0]:
                    arrows.setdefault(ends[0][0], set()).add(ends[1][0])
        assert not _circle(arrows), parent


@cache
def _arrows() -> dict[str, set[str]]:
    """Map the path of each file of ours to the paths of our files that it imports, also inside functions."""
    files = [path for room in ROOMS for path in _files(room)]
    by_module = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files
    }
    arrows: dict[str, set[str]] = {}
    for path in files:
        modules = set(_imports(path))
        # `from package import module` also yields the package itself, which does not count as an import here.
        modules -= {module.rpartition(".")[0] for module in modules if module in by_module}
        arrows[str(path)] = {str(by_module[module]) for module in modules if module in by_module} - {str(path)}
    return arrows


def _circle(arrows: dict[str, set[str]]) -> list[str]:
    """Return the nodes that lie on a circle or on a path that leads out of a circle.

    They are the nodes that remain when nodes without arrows are repeatedly taken away.
    """
    left = {source: set(targets) for source, targets in arrows.items()}
    while ends := [source for source, targets in left.items() if not targets & left.keys()]:
        for source in ends:
            del left[source]
    return sorted(left)


@pytest.mark.parametrize(
    "module", ["configs.load", "data_prep.prepare", "data_prep.__main__", "launch.cli", "launch.submit"]
)
def test_torch_stays_out(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def _test_of(module: Path) -> Path:
    """Return the test file that a module has by its name; a package is tested by a file beside its folder."""
    path = (ROOT / "tests" / module.relative_to(ROOT)).parent
    return path.with_name(f"test_{path.name}.py") if module.stem == "__init__" else path / f"test_{module.stem}.py"


def _defines_something(module: Path) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in ast.parse(module.read_text(encoding="utf-8")).body)


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_has_a_test_file_of_its_name(room: str) -> None:
    for module in _files(room):
        name = module.relative_to(ROOT).as_posix()
        is_bare = module.stem == "__main__" or (module.stem == "__init__" and not _defines_something(module))
        if is_bare or name in UNTESTED:
            continue
        test = ROOT / "tests" / TESTED_ELSEWHERE[name] if name in TESTED_ELSEWHERE else _test_of(module)
        assert test.is_file(), f"{name} is tested by no {test.relative_to(ROOT)}"


def test_no_exception_is_stale() -> None:
    for name in (*TESTED_ELSEWHERE, *UNTESTED):
        assert (ROOT / name).is_file(), f"{name} does not exist, so it needs no exception"
        test = _test_of(ROOT / name)
        assert not test.is_file(), f"{name} is tested by {test.relative_to(ROOT)}, so it needs no exception"


def test_files_stay_small() -> None:
    for room in ROOMS:
        for path in _files(room):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_packages_are_named_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert set(include) == {name for room in ROOMS for name in (room, f"{room}.*")}
