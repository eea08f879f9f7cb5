"""A folder is claimed by one process alone or by several that share it, all with the same plan."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from data_prep.claim import claimed, is_complete

PLAN = {"seed": 1, "recipe": {"masking": {"rate": 0.15}}, "input": {"文本.txt": {"bytes": 3}}}


def test_only_a_manifest_makes_a_corpus_complete(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert not is_complete(out)
    out.mkdir()
    (out / "train-00000.npy").touch()
    assert not is_complete(out)
    (out / "manifest.json").touch()
    assert is_complete(out)


@pytest.mark.parametrize("existing", [False, True])
def test_a_new_or_empty_folder_gets_the_plan(tmp_path: Path, existing: bool) -> None:
    out = tmp_path / "below" / "out"
    if existing:
        (out / "submit").mkdir(parents=True)  # the scripts of a submission do not make a folder full
    for _ in range(2):  # the second process finds the same plan
        with claimed(out, PLAN, alone=True):
            assert read_json(out / ".prepare" / "plan.json") == PLAN


def test_another_plan_is_refused_by_the_key_that_differs(tmp_path: Path) -> None:
    with claimed(tmp_path, PLAN, alone=True):
        pass
    other = PLAN | {"recipe": {"masking": {"rate": 0.2}}}
    with pytest.raises(UserError) as error, claimed(tmp_path, other, alone=True):
        raise AssertionError("the folder was claimed")
    assert str(error.value).startswith(
        f"{tmp_path}: holds an unfinished corpus with recipe.masking.rate = 0.15, and now it is 0.2; name another"
    )
    assert read_json(tmp_path / ".prepare" / "plan.json") == PLAN


@pytest.mark.parametrize("held_alone", [True, False])
def test_nobody_works_alone_beside_another(tmp_path: Path, *, held_alone: bool) -> None:
    with ExitStack() as stack:
        stack.enter_context(claimed(tmp_path, PLAN, alone=held_alone))
        if not held_alone:
            stack.enter_context(claimed(tmp_path, PLAN, alone=False))
        stack.enter_context(pytest.raises(UserError, match="another process is preparing it"))
        stack.enter_context(claimed(tmp_path, PLAN, alone=True))
    with claimed(tmp_path, PLAN, alone=True):  # the locks ended with those who held them
        pass


@pytest.mark.parametrize("name", ["thesis.tex", "论文"])
def test_other_files_are_refused_and_left(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with (
        pytest.raises(UserError, match="is not empty and holds no unfinished corpus"),
        claimed(tmp_path, {}, alone=True),
    ):
        raise AssertionError("the folder was claimed")
    assert [path.name for path in tmp_path.iterdir()] == [name]
