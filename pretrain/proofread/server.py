"""The server of `electra try`: one page, its style and script, and answers to its requests.

It is made for one person on one machine. A page of another site that is open in the same browser can neither read nor
use it: the Host header must be an address of this machine (DNS rebinding), requests must be JSON (a browser asks first
before it sends JSON to another site), and nothing allows other sites to read an answer.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import urlsplit

from configs.common.errors import UserError

# About ten thousand English words, which a base model reads on a CPU in a minute.
MOST_BYTES = 65_536
# A larger request is read to its end up to this size, because a browser shows no answer before it has sent everything.
_MOST_READ = 16 * MOST_BYTES
_SECONDS = 30  # to wait for the rest of a request
_LENGTH = re.compile("[0-9]{1,18}")
_LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

T = TypeVar("T")
Answer = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Site:
    files: Mapping[str, tuple[str, str]]  # by path: the content type and the content
    answers: Mapping[str, Answer]  # by path: what answers a request; UserError refuses it


class Refusal(Exception):
    """A request that is not answered, with the status and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str, **headers: str):
        super().__init__(sentence)
        self.status, self.headers = status, headers


class Server(ThreadingHTTPServer):
    """A server that listens on `host`. Port 0 is any free port. Raises UserError when it cannot listen there."""

    daemon_threads = True

    def __init__(self, host: str, port: int, site: Site):
        self.site, self.host = site, host.strip("[]").lower()
        self.address_family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            super().__init__((self.host, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UserError(
                f"cannot listen on {host}, port {port} ({reason}); give another --port, or 0 for any free one"
            ) from None

    @property
    def url(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{name}:{self.server_port}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host == "localhost" or (_is_address(self.host) and ipaddress.ip_address(self.host).is_loopback)

    def accepts(self, name: str) -> bool:
        """Return whether a browser that asks for this host means this server.

        An attacker's name may lead to this machine, so no name is accepted but the one that the user gave. An address
        is no name, so where others may reach the server, every address is accepted.
        """
        return name in _LOCAL_NAMES or name == self.host or (not self.is_local and _is_address(name))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave out connections that the browser has closed."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server  # type: ignore[assignment]  # the base class has any server
    timeout = _SECONDS
    server_version, sys_version = "electra", ""
    default_request_version = "HTTP/1.0"  # so that the refusal of a request without a version has a status and headers

    def do_GET(self) -> None:
        self._handle(self._file)

    def do_POST(self) -> None:
        self._handle(self._answer)

    def _other_method(self) -> None:
        self._handle(lambda: self._entry({}))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other_method

    def _handle(self, respond: Callable[[], None]) -> None:
        try:
            self._check_host()
            respond()
        except Refusal as refusal:
            self._send_json(refusal.status, {"error": str(refusal)}, refusal.headers)
        except UserError as error:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _check_host(self) -> None:
        names = self.headers.get_all("Host") or []
        try:
            name = urlsplit(f"//{names[0]}").hostname if len(names) == 1 else None
        except ValueError:
            name = None
        if name is None or not self.server.accepts(name):
            raise Refusal(HTTPStatus.FORBIDDEN, f"this server answers only under its own address, {self.server.url}")

    def _file(self) -> None:
        self._send(HTTPStatus.OK, *self._entry(self.server.site.files))

    def _answer(self) -> None:
        answer = self._entry(self.server.site.answers)
        if self.headers.get_content_type() != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a request must be application/json")
        self._send_json(HTTPStatus.OK, answer(self._request()))

    def _entry(self, table: Mapping[str, T]) -> T:
        """Look up the path of the request."""
        path = self.path.partition("?")[0]
        if path in table:
            return table[path]
        for method, others in (("GET", self.server.site.files), ("POST", self.server.site.answers)):
            if path in others:
                raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"this page answers {method} alone", Allow=method)
        raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")

    def _request(self) -> dict[str, Any]:
        """Read the JSON object that was sent."""
        stated = self.headers.get("Content-Length", "")
        if not _LENGTH.fullmatch(stated) or "Transfer-Encoding" in self.headers:
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "a request must state its Content-Length")
        if int(stated) > MOST_BYTES:
            self.rfile.read(min(int(stated), _MOST_READ))
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the text is too long: a request has at most {MOST_BYTES:,} bytes; `electra proofread` reads files of "
                "any length",
            )
        try:
            request = json.loads(self.rfile.read(int(stated)))
        except (ValueError, RecursionError):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the request is no JSON") from None
        if not isinstance(request, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the request is no JSON object")
        return request

    def _send_json(self, status: HTTPStatus, content: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(content), headers)

    def _send(self, status: HTTPStatus, kind: str, content: str, headers: Mapping[str, str] | None = None) -> None:
        body = content.encode()
        self.send_response(status)
        stated = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in (_HEADERS | stated | dict(headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the base class cannot read, without repeating any of it."""
        self._send_json(HTTPStatus(code), {"error": f"the request was refused: {HTTPStatus(code).phrase}"})

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing about requests."""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
