"""Repositories of the Hugging Face hub, as folders."""

from __future__ import annotations

from pathlib import Path

from configs.common.errors import UserError


def download(name: str, files: tuple[str, ...]) -> Path:
    """The folder with the files of a repository, as far as it has them; each is downloaded once.

    `files` may hold patterns such as `model-*.safetensors`. Raises UserError when the repository cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    # The errors of its HTTP client pass through, and every version has had another client.
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{name}: is no folder here, and cannot be had from the hub ({reason})") from None
