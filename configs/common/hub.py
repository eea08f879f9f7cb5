"""Repositories of the Hugging Face hub, as folders."""

from __future__ import annotations

from pathlib import Path

from configs.common.errors import UserError


def download(name: str, files: tuple[str, ...]) -> Path:
    """The folder that holds those of the files that the repository has; each is downloaded once.

    Raises UserError when the repository cannot be had.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    except Exception as error:  # not its own alone: those of its HTTP client, which has been another in every version
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{name}: is no folder here, and cannot be had from the hub ({reason})") from None
