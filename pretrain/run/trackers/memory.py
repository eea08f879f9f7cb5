"""What a tracker must know when a run is resumed: the ids of its experiment, and the steps that it already has."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from configs.common.files import make_folder, read_json, write_json
from configs.load import validate
from configs.schema import Natural, Table

FOLDER = "trackers"


class _Stored(Table):
    ids: dict[str, str]
    last_steps: dict[str, Natural]


@dataclass
class Memory:
    """The file RUN/trackers/NAME.json, which is written for trackers that keep an experiment elsewhere (`ids`)."""

    path: Path
    ids: dict[str, str] = field(default_factory=dict)
    last_steps: dict[str, int] = field(default_factory=dict)  # by tag

    @classmethod
    def read(cls, run: Path, name: str) -> Memory:
        path = run / FOLDER / f"{name}.json"
        if not path.is_file():
            return cls(path)
        stored = validate(_Stored, read_json(path), str(path))
        return cls(path, stored.ids, stored.last_steps)

    def lacks(self, step: int, tag: str) -> bool:
        """Whether the tracker has no value of `tag` for this step or a later one."""
        return step > self.last_steps.get(tag, -1)

    def save(self) -> None:
        if self.ids:
            make_folder(self.path.parent)
            write_json(self.path, {name: value for name, value in asdict(self).items() if name != "path"})
