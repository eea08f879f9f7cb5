"""This module downloads repositories of the Hugging Face hub into folders, and explains its errors."""

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
        raise UserError(f"{name}: is no folder here, and cannot be had from the hub ({reason_of(error)})") from None


def reason_of(error: BaseException) -> str:
    """Return what an error of huggingface_hub says, on one line.

    The answer of the hub itself is preferred. An upload reports only the name of the file, and its cause the reason.
    """
    if type(error) is RuntimeError and error.__cause__:
        error = error.__cause__
    message = getattr(error, "server_message", None) or str(error).strip() or type(error).__name__
    return message.split("\n")[0]
