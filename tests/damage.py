"""Damage files in ways that happen: bits flip, the end is missing, or the file is gone."""

from __future__ import annotations

from pathlib import Path

DAMAGE = ("flip the first", "flip a middle", "flip the last", "truncate", "empty", "delete")


def do_damage(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    places = {"flip the first": 0, "flip a middle": len(content) // 2, "flip the last": len(content) - 1}
    match damage:
        case "delete":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncate":
            path.write_bytes(content[:-7])
        case _:
            content[places[damage]] ^= 1
            path.write_bytes(content)
