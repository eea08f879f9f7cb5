"""The file adaptation.json: which parts were begun and finished, with which arguments, and from which results.

A part is finished if it was finished with the same arguments, from the results that its inputs have now. So a part
whose input was made again is not finished.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import Strict

from configs.common.clock import utc_now
from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, write_json
from configs.load import validate
from configs.schema import NotNegative, Table
from launch.adapt.parts import Part

FILE = "adaptation.json"


class PartRecord(Table):
    arguments: Annotated[tuple[str, ...], Strict(False)]
    inputs: dict[str, str]  # part -> the identity of its result
    result: str = ""  # the identity of the result: the time at which it was finished, and a random word
    seconds: NotNegative = 0.0


class _Content(Table):
    schema_version: Literal[1]
    parts: dict[str, PartRecord]


class Record:
    """The record of the adaptation in a folder. Raises UserError when the folder holds anything else."""

    def __init__(self, out: Path):
        self._file = out / FILE
        if not self._file.exists() and out.is_dir() and any(not p.name.startswith(".") for p in out.iterdir()):
            raise UserError(f"{out}: is not empty and holds no adaptation; name a new folder with --out")
        content = read_json(self._file) if self._file.exists() else {"schema_version": 1, "parts": {}}
        self.parts = dict(validate(_Content, content, str(self._file)).parts)

    def is_finished(self, part: Part) -> bool:
        """Return whether the part is done. Raises UserError if it was done in another way and may take long to repeat.

        A result that the user made by hand, with the command of the part, is finished too.
        """
        entry = self.parts.get(part.name)
        is_complete = part.complete is not None and part.complete.exists()
        if not entry or not part.output.exists():
            return is_complete
        if reason := self._difference(part, entry):
            if part.repeats:
                return False
            raise UserError(
                f"{part.output}: {reason}; repeat the command that it began with, name another --out, or remove this "
                "folder to make it again"
            )
        return part.output.exists() and (bool(entry.result) or (is_complete and not part.repeats))

    def begin(self, part: Part) -> None:
        self._set(part, PartRecord(arguments=part.arguments, inputs=self._inputs(part)))

    def finish(self, part: Part, seconds: float) -> None:
        result = f"{utc_now()} {uuid4().hex[:8]}"
        entry = PartRecord(arguments=part.arguments, inputs=self._inputs(part), result=result, seconds=seconds)
        self._set(part, entry)

    def _set(self, part: Part, entry: PartRecord) -> None:
        self.parts[part.name] = entry
        make_folder(self._file.parent)
        write_json(self._file, _Content(schema_version=1, parts=self.parts).model_dump(mode="json"))

    def _inputs(self, part: Part) -> dict[str, str]:
        return {name: self.parts[name].result if name in self.parts else "" for name in part.needs}

    def _difference(self, part: Part, entry: PartRecord) -> str:
        """Return the difference between the start of the part and a start now, or an empty text."""
        if entry.arguments != part.arguments:
            before, now = _only_in(entry.arguments, part.arguments), _only_in(part.arguments, entry.arguments)
            return f"was started with {before or 'fewer arguments'}, and now there is {now or 'nothing in this place'}"
        changed = [name for name, result in self._inputs(part).items() if entry.inputs.get(name) != result]
        return f"was made from an earlier result of the part {changed[0]}" if changed else ""


def _only_in(arguments: Sequence[str], others: Sequence[str]) -> str:
    return shlex.join(argument for argument in arguments if argument not in others)
