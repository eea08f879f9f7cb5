"""A stand-in of the Hugging Face hub on this machine: the calls by which huggingface_hub uploads and downloads a model.

It speaks the older protocol for large files, Git LFS, because the newer one (xet) is a service of its own: clients need
HF_HUB_DISABLE_XET=1. Nothing here was compared with huggingface.co.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Repository:
    private: bool
    branches: dict[str, Files] = field(default_factory=lambda: {"main": {}})

    def commit(self, branch: str) -> str:
        """Return a name for the state of a branch, as long as a commit's."""
        return hashlib.sha1(repr(sorted(self.branches[branch].items())).encode()).hexdigest()


@dataclass
class Hub:
    """The state of the server. Tests read and change it."""

    address: str = ""
    owner: str = "me"
    token: str = "hf_right"
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: Files = field(default_factory=dict)  # by sha256
    refused: str = ""  # commits to a repository whose name ends like this are refused
    ignored: str = ""  # files of this name are left out, as by a .gitignore
    requests: list[str] = field(default_factory=list)


@contextmanager
def running() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refusal(Exception):
    def __init__(self, status: int, message: str, code: str = ""):
        super().__init__(message)
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        try:
            if not path.startswith("/large/") and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
                raise _Refusal(401, "Invalid credentials in Authorization header")
            self._route(path, content)
        except _Refusal as refusal:
            headers = {"X-Error-Message": str(refusal), "X-Error-Code": refusal.code}
            self._send(json.dumps({"error": str(refusal)}).encode(), refusal.status, headers)

    def _route(self, path: str, content: bytes) -> None:
        routes: dict[str, Callable[..., None]] = {
            r"/api/whoami-v2": lambda: self._json({"type": "user", "name": self.hub.owner, "orgs": []}),
            r"/api/validate-yaml": lambda: self._json({"errors": [], "warnings": []}),
            r"/api/repos/create": lambda: self._create(json.loads(content)),
            r"/api/models/([^/]+/[^/]+)": self._info,
            r"/api/models/([^/]+/[^/]+)/revision/(.+)": self._info,
            r"/api/models/([^/]+/[^/]+)/tree/([^/]+)/?(.*)": self._tree,
            r"/api/models/([^/]+/[^/]+)/branch/(.+)": self._branch,
            r"/api/models/([^/]+/[^/]+)/preupload/(.+)": lambda *_: self._preupload(json.loads(content)),
            r"/api/models/([^/]+/[^/]+)/commit/(.+)": lambda name, branch: self._commit(name, branch, content),
            r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch": lambda _: self._batch(json.loads(content)),
            r"/large/(\w+)": lambda digest: self._large(digest, content),
            r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)": self._file,
        }
        for pattern, route in routes.items():
            if match := re.fullmatch(pattern, path):
                return route(*match.groups())
        raise _Refusal(404, f"the stand-in knows no {path}")

    def _create(self, request: dict[str, Any]) -> None:
        owner = request.get("organization") or self.hub.owner
        if owner != self.hub.owner:
            raise _Refusal(403, f"You don't have the rights to create a model under the namespace {owner!r}")
        name = f"{owner}/{request['name']}"
        if name in self.hub.repositories:
            raise _Refusal(409, "You already created this model repo")
        self.hub.repositories[name] = Repository(request.get("visibility") == "private")
        self._json({"url": f"{self.hub.address}/{name}", "name": name})

    def _repository(self, name: str) -> Repository:
        if name not in self.hub.repositories:
            raise _Refusal(404, "Repository not found", "RepoNotFound")
        return self.hub.repositories[name]

    def _files(self, name: str, revision: str) -> Files:
        repository = self._repository(name)
        commits = {repository.commit(branch): files for branch, files in repository.branches.items()}
        files = (commits | repository.branches).get(revision)
        if files is None:
            raise _Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return files

    def _info(self, name: str, revision: str = "main") -> None:
        repository = self._repository(name)
        siblings = [{"rfilename": file} for file in self._files(name, revision)]
        commit = repository.commit(revision) if revision in repository.branches else revision
        self._json({"id": name, "private": repository.private, "sha": commit, "siblings": siblings})

    def _tree(self, name: str, revision: str, folder: str) -> None:
        files = self._files(name, revision).items()
        if folder and not any(file.startswith(f"{folder}/") for file, _ in files):
            raise _Refusal(404, f"{folder} does not exist", "EntryNotFound")
        self._json(
            [{"type": "file", "path": file, "oid": _git(content), "size": len(content)} for file, content in files]
        )

    def _branch(self, name: str, branch: str) -> None:
        repository = self._repository(name)
        if branch in repository.branches:
            raise _Refusal(409, "Reference already exists")
        repository.branches[branch] = dict(repository.branches["main"])
        self._json({})

    def _preupload(self, request: dict[str, Any]) -> None:
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith((".safetensors", ".pdparams", ".onnx")) else "regular",
                "shouldIgnore": file["path"] == self.hub.ignored,
            }
            for file in request["files"]
        ]
        self._json({"files": files})

    def _batch(self, request: dict[str, Any]) -> None:
        objects = []
        for thing in request["objects"]:
            upload = {"upload": {"href": f"{self.hub.address}/large/{thing['oid']}"}}
            objects.append(thing | ({} if thing["oid"] in self.hub.large else {"actions": upload}))
        self._json({"transfer": "basic", "objects": objects})

    def _large(self, digest: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != digest:
            raise _Refusal(400, "the content has another sha256")
        self.hub.large[digest] = content
        self._send(b"")

    def _commit(self, name: str, revision: str, content: bytes) -> None:
        repository = self._repository(name)
        if self.hub.refused and name.endswith(self.hub.refused):
            raise _Refusal(403, "You have exceeded your storage")
        for line in map(json.loads, content.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                repository.branches[revision][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.branches[revision][value["path"]] = self.hub.large[value["oid"]]
        commit = repository.commit(revision)
        self._json({"commitUrl": f"{self.hub.address}/{name}/commit/{commit}", "commitOid": commit})

    def _file(self, name: str, revision: str, file: str) -> None:
        files = self._files(name, revision)
        if file not in files:
            raise _Refusal(404, "Entry not found", "EntryNotFound")
        commit = next(
            commit
            for branch in self.hub.repositories[name].branches
            if revision in (branch, commit := self.hub.repositories[name].commit(branch))
        )
        self._send(files[file], headers={"ETag": f'"{_git(files[file])}"', "X-Repo-Commit": commit})

    def _json(self, value: Any) -> None:
        self._send(json.dumps(value).encode())

    def _send(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _git(content: bytes) -> str:
    """Return git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
