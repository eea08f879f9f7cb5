"""Files of a run with a line of JSON for each kind and step. A run that resumes holds each line once."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from configs.common.files import write_text
from configs.schema import Natural
from pretrain.run.display import EvaluationKind


class StepLine(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    kind: EvaluationKind
    step: Natural


Line = TypeVar("Line", bound=StepLine)


def read_step_lines(path: Path, form: type[Line]) -> list[Line]:
    """Read the complete lines of a file. A line that is damaged, or was cut by a crash, is left out."""
    lines = []
    for line in path.read_bytes().split(b"\n") if path.is_file() else ():
        try:
            lines.append(form.model_validate_json(line))
        except ValidationError:
            continue
    return lines


class StepFile(Generic[Line]):
    """Such a file in one start of a run. Lines that an earlier start wrote after `first_step` are removed."""

    def __init__(self, path: Path, form: type[Line], first_step: int):
        kept = [line for line in read_step_lines(path, form) if line.step <= first_step]
        write_text(path, "".join(line.model_dump_json() + "\n" for line in kept))
        self._path, self._places = path, {(line.kind, line.step) for line in kept}

    def write(self, line: Line) -> None:
        """Append a line, unless there is one for its kind and step."""
        if (line.kind, line.step) in self._places:
            return
        self._places.add((line.kind, line.step))
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(line.model_dump_json() + "\n")
