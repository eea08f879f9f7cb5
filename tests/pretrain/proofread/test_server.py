"""The server answers its own page alone, and refuses every other request in a sentence."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from configs.common.errors import UserError
from pretrain.proofread.server import MOST_BYTES, Server, Site


def echo(request: dict[str, Any]) -> Any:
    if "refuse" in request:
        raise UserError("refuse: is refused")
    return request


SITE = Site({"/": ("text/html", "<p>page</p>")}, {"/echo": echo})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("127.0.0.1", 0, SITE) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def exchange(server: Server, content: bytes) -> tuple[int, dict[str, str], str]:
    """Send bytes, and return the status, the headers and the body of the answer."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body.decode()


def request(
    method: str = "POST",
    path: str = "/echo",
    body: bytes = b'{"text": "a"}',
    length: str | None = "",
    host: str | None = "localhost:80",
    kind: str = "application/json",
    extra: str = "",
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"Content-Length: {length or len(body)}"] if length is not None else []
    lines += [f"Content-Type: {kind}"] if kind else []
    return "\r\n".join([*lines, *filter(None, [extra]), "", ""]).encode() + body


def test_the_page_and_an_answer(server: Server) -> None:
    status, headers, body = exchange(server, request("GET", "/?from=bookmark", b""))
    assert (status, body) == (200, "<p>page</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    status, headers, body = exchange(server, request(body=json.dumps({"text": "<b>今天</b>"}).encode()))
    assert (status, json.loads(body)) == (200, {"text": "<b>今天</b>"})
    assert headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
def test_addresses_of_this_machine_are_answered(server: Server, host: str) -> None:
    assert exchange(server, request(host=host))[0] == 200


LARGEST = b'{"text": "' + b"a" * (MOST_BYTES - 12) + b'"}'

REFUSED = {
    "another host": (request(host="attacker.example:8000"), 403, "only under its own address"),
    "a host that ends alike": (request(host="localhost.attacker.example"), 403, "only under its own address"),
    "an address that is not ours": (request(host="192.168.0.7"), 403, "only under its own address"),
    "no host": (request(host=None), 403, "only under its own address"),
    "two hosts": (request(extra="Host: attacker.example"), 403, "only under its own address"),
    "a host that is none": (request(host="[::1"), 403, "only under its own address"),
    "the page under another host": (request("GET", "/", b"", host="attacker.example"), 403, "own address"),
    "another path": (request("GET", "/etc/passwd", b""), 404, "no such page"),
    "a path upwards": (request("GET", "/../pyproject.toml", b""), 404, "no such page"),
    "a post elsewhere": (request(path="/other"), 404, "no such page"),
    "a post to the page": (request(path="/"), 405, "GET alone"),
    "a get of an answer": (request("GET", body=b""), 405, "POST alone"),
    "put": (request("PUT"), 405, "POST alone"),
    "delete": (request("DELETE", "/"), 405, "GET alone"),
    "options": (request("OPTIONS"), 405, "POST alone"),
    "an unknown method": (request("BREW"), 501, "refused"),
    "no HTTP": (b"hello\r\n\r\n", 400, "refused"),
    "another protocol": (b"GET / HTTP/9.9\r\n\r\n", 505, "refused"),
    "a long path": (request("GET", "/" + "a" * 70_000, b""), 414, "refused"),
    "one byte too many": (request(body=LARGEST + b" "), 413, "at most 65,536 bytes"),
    "gigabytes": (request(body=b"", length="9999999999"), 413, "at most 65,536 bytes"),
    "no length": (request(length=None), 411, "Content-Length"),
    "a negative length": (request(length="-1"), 411, "Content-Length"),
    "a length of 5,000 digits": (request(length="9" * 5000), 411, "Content-Length"),
    "a length in other digits": (request(length="１"), 411, "Content-Length"),
    "chunks": (request(extra="Transfer-Encoding: chunked"), 411, "Content-Length"),
    "a form of another site": (request(kind="text/plain"), 415, "application/json"),
    "no kind": (request(kind=""), 415, "application/json"),
    "no JSON": (request(body=b"{"), 400, "no JSON"),
    "no UTF-8": (request(body=b'{"text": "\xff"}'), 400, "no JSON"),
    "deep JSON": (request(body=b"[" * 60_000), 400, "no JSON"),
    "a long number": (request(body=b'{"text": ' + b"9" * 5000 + b"}"), 400, "no JSON"),
    "a list": (request(body=b"[]"), 400, "no JSON object"),
    "what the answer refuses": (request(body=b'{"refuse": 1}'), 400, "refuse: is refused"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_in_a_sentence(server: Server, name: str) -> None:
    content, expected, sentence = REFUSED[name]
    status, headers, body = exchange(server, content)
    assert (status, sentence in json.loads(body)["error"]) == (expected, True), body
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_largest_request_is_answered(server: Server) -> None:
    assert len(LARGEST) == MOST_BYTES
    assert exchange(server, request(body=LARGEST))[0] == 200


@pytest.mark.parametrize("content", [request("GET", "/", b""), request(), request(host="attacker.example")])
def test_every_answer_forbids_other_sources(server: Server, content: bytes) -> None:
    _, headers, _ = exchange(server, content)
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not any(name.lower().startswith("access-control") for name in headers)


def test_head_is_refused_without_a_body(server: Server) -> None:
    status, _, body = exchange(server, request("HEAD", "/", b""))
    assert (status, body) == (405, "")


def test_a_closed_connection_stops_nothing(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as connection:
        connection.sendall(request(body=b"", length="100"))
    assert exchange(server, request())[0] == 200


def test_a_port_in_use_is_a_sentence(server: Server) -> None:
    with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1, port {server.server_port} .* --port"):
        Server("127.0.0.1", server.server_port, SITE)


def test_an_address_of_no_machine_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"cannot listen on 192\.0\.2\.1"):
        Server("192.0.2.1", 0, SITE)


def test_only_loopback_is_local() -> None:
    with Server("127.0.0.1", 0, SITE) as local, Server("0.0.0.0", 0, SITE) as everywhere:
        assert local.is_local and local.url == f"http://127.0.0.1:{local.server_port}/"
        assert not everywhere.is_local
        assert everywhere.accepts("192.168.0.7") and not everywhere.accepts("attacker.example")
        assert not local.accepts("192.168.0.7")
