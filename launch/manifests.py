"""YAML for schedulers, as people write it: keys in their own order, texts of several lines as blocks, no line cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand deeper than their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """What stands twice is written twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, lambda dumper, text: _text(dumper, str(text)))


def documents(objects: Sequence[dict[str, Any]], about: str) -> str:
    """One file, its first line a comment."""
    texts = [yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True) for each in objects]
    return f"# {about}\n" + "---\n".join(texts)
