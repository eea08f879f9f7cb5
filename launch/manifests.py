"""YAML for schedulers is written as people write it: it keeps the order of keys, shows texts of several lines as
blocks, and breaks no line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists deeper than their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value in full wherever it occurs, without YAML's aliases."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, lambda dumper, text: _text(dumper, str(text)))


def documents(objects: Sequence[dict[str, Any]], about: str) -> str:
    """Return one YAML file with these objects. Its first line is the comment `about`."""
    texts = [yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True) for each in objects]
    return f"# {about}\n" + "---\n".join(texts)
