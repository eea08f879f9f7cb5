"""This module downloads repositories of the Hugging Face hub into folders."""

from __future__ import annotations

from pathlib import Path

from configs.common.errors import UserError


def download(name: str, files: tuple[str, ...]) -> Path:
    """Return a folder with all `files` that the repository has. Each file is downloaded only once.

    `files` may hold patterns such as `model-*.safetensors`. Raises UserError if the repository cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    # We catch all errors: huggingface_hub passes on the errors of its HTTP client, which differs between versions.
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{name}: is no folder here, and cannot be had from the hub ({reason})") from None
