"""Errors of remote storage: 75 if the same may succeed later, 2 if it will not, and one sentence in both cases."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from huggingface_hub.utils import hf_raise_for_status

from configs.common.errors import ElectraError, Unfinished, UserError
from configs.load import load
from data_prep.sources.faults import will_pass
from data_prep.sources.files import list_files
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks

URL = "memory://storage/text.txt"
REQUEST = httpx2.Request("GET", "https://storage/text.txt")


def answer(status: int) -> Exception:
    """Return the error that huggingface_hub raises for an answer of the hub."""
    try:
        hf_raise_for_status(httpx2.Response(status, request=REQUEST))
    except Exception as error:
        return error
    raise AssertionError


def of_library(module: str, name: str, **fields: object) -> Exception:
    """Return an error as a library that is not installed here would raise it."""
    return type(name, (Exception,), {"__module__": module, **fields})("no")


def of_botocore(status: int) -> Exception:
    return of_library("botocore.exceptions", "ClientError", response={"ResponseMetadata": {"HTTPStatusCode": status}})


ERRORS: list[tuple[Exception, type[ElectraError]]] = [
    *((answer(status), Unfinished) for status in (408, 429, 500, 502, 503, 504)),
    *((answer(status), UserError) for status in (400, 401, 403, 404, 410)),
    (httpx2.ConnectError("no route", request=REQUEST), Unfinished),
    (httpx2.ReadTimeout("slow", request=REQUEST), Unfinished),
    (httpx2.RemoteProtocolError("cut off", request=REQUEST), Unfinished),
    (httpx2.UnsupportedProtocol("ftp", request=REQUEST), UserError),
    (of_library("aiohttp.client_exceptions", "ClientResponseError", status=503), Unfinished),
    (of_library("aiohttp.client_exceptions", "ClientResponseError", status=403), UserError),
    (of_library("aiohttp.client_exceptions", "ServerDisconnectedError"), Unfinished),
    (of_botocore(503), Unfinished),
    (of_botocore(403), UserError),
    (of_library("botocore.exceptions", "EndpointConnectionError"), Unfinished),
    (of_library("botocore.exceptions", "NoCredentialsError"), UserError),
    (of_library("gcsfs.retry", "HttpError", code=429), Unfinished),
    (of_library("gcsfs.retry", "HttpError", code=404), UserError),
    (OSError(errno.ETIMEDOUT, "timed out"), Unfinished),
    (PermissionError(errno.EACCES, "forbidden"), UserError),
]


SOURCE = load("tiny", [f"data.sources={URL}"]).data.sources[0]


@pytest.mark.parametrize(("error", "kind"), ERRORS)
def test_a_storage_that_refuses(monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[ElectraError]) -> None:
    """While the files of a source are listed, one of them is inspected, and it is read."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise error

    MemoryFileSystem().pipe("/storage/text.txt", b"a document\n")
    assert will_pass(error) == (kind is Unfinished)
    ((piece,),) = cut_into_tasks((SOURCE,))
    calls: list[tuple[str, Callable[[], object]]] = [
        ("isfile", lambda: list_files("data.sources.0", SOURCE)),
        ("_open", lambda: cut_into_tasks((SOURCE,))),
        ("_open", lambda: list(documents(piece))),
    ]
    for name, call in calls:
        with monkeypatch.context() as patch:
            patch.setattr(MemoryFileSystem, name, refuse)
            with pytest.raises(kind) as raised:
                call()
        message = str(raised.value)
        assert "text.txt" in message and "cannot be read" in message and "\n" not in message, message
