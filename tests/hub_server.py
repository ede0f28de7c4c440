# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on this machine that stands in for the Hugging Face Hub, and for plain file servers."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

# The Hub keeps small files in git itself.
_LARGE = 10_000


def git_checksum(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(name: str, content: bytes) -> bool:
    return name.endswith((".safetensors", ".onnx", ".bin")) or len(content) > _LARGE


@dataclass
class Repository:
    """What the server offers under one name, and how it misbehaves there.

    Attributes
    ----------
    files : dict of bytes
    commit : str
    revisions : tuple of str
        Names that stand for the commit.
    status : int
        Of every answer; 200 for none in particular.
    error_code : str
        The header with which the Hub says more of a refusal.
    gated : bool
        It is listed, but its files need a token.
    break_after : list of int
        The next answers to GET of large files end after so many bytes.
    hold_after : int
        Answers to GET of large files stop there until `released`; 0 for none.
    corrupt : set of str
        Files whose last byte is sent wrong.
    sizes : dict of int
        Sizes that are stated instead of the true ones.
    ranges : bool
        Ranges are understood.
    portal : bool
        Instead of the listing comes a web page, as networks send that want a log-in first.
    released : Event
        Ends the waiting of `hold_after`.
    """

    files: dict[str, bytes]
    commit: str = 40 * "a"
    revisions: tuple[str, ...] = ("main",)
    status: int = 200
    error_code: str = ""
    gated: bool = False
    break_after: list[int] = field(default_factory=list)
    hold_after: int = 0
    corrupt: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    portal: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    def listing(self) -> dict:
        """What the Hub's API says of it, with the files' sizes and checksums."""
        siblings = []
        for name, content in self.files.items():
            size = self.sizes.get(name, len(content))
            entry = {"rfilename": name, "size": size, "blobId": git_checksum(content)}
            if is_large(name, content):
                entry["lfs"] = {
                    "sha256": hashlib.sha256(content).hexdigest(), "size": size,
                    "pointerSize": 130,
                }
            siblings.append(entry)
        return {"id": "x/y", "sha": self.commit, "siblings": siblings}


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    range: str
    token: str


class HubServer:
    """The running server.

    Attributes
    ----------
    endpoint : str
    repositories : dict of Repository
        By names such as ``Intel/dpt-large``.
    asked : list of Asked
    """

    def __init__(self):
        self.repositories: dict[str, Repository] = {}
        self.asked: list[Asked] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        # Large files come from another host than the Hub's own.
        self.store = f"http://localhost:{self.port}/store"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        for repository in self.repositories.values():
            repository.released.set()
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, repository: str) -> list[Asked]:
        """The requests for a repository's large files that were answered with bytes."""
        return [
            asked for asked in self.asked
            if asked.method == "GET" and asked.path.startswith(f"/store/{repository}/")
        ]


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer

    def log_message(self, *_) -> None:
        """Say nothing; the tests look at what was asked."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        headers = self.headers
        self.hub.asked.append(Asked(
            self.command, path, headers.get("Range", ""), headers.get("Authorization", "")
        ))
        parts = path.strip("/").split("/")
        if parts[0] == "api":
            # /api/models/OWNER/NAME/revision/REVISION
            self._give_listing("/".join(parts[2:4]), unquote(parts[5]))
        elif parts[0] == "store":
            # /store/OWNER/NAME/PATH
            self._give_large("/".join(parts[1:3]), unquote("/".join(parts[3:])))
        else:
            # /OWNER/NAME/resolve/REVISION/PATH
            name = unquote("/".join(parts[4:]))
            self._give_file("/".join(parts[:2]), unquote(parts[3]), name)

    def _repository(self, name: str) -> Repository | None:
        """The repository, unless the answer is a refusal, which is given here."""
        found = self.hub.repositories.get(name)
        if found is not None and found.status == 200:
            return found
        self._refuse(found.status if found else 401, found.error_code if found else "RepoNotFound")
        return None

    def _give_listing(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return
        if revision not in (repository.commit, *repository.revisions):
            return self._refuse(404, "RevisionNotFound")
        content = json.dumps(repository.listing()).encode()
        if repository.portal:
            content = b"<html>Please log in</html>"
        self._send(200, {"Content-Type": "application/json"}, content)

    def _give_file(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return
        if repository.gated and not self.headers.get("Authorization"):
            return self._refuse(401, "GatedRepo")
        known = revision in (repository.commit, *repository.revisions)
        if not known or path not in repository.files:
            return self._refuse(404, "EntryNotFound")
        content = repository.files[path]
        about = {"X-Repo-Commit": repository.commit}
        if is_large(path, content):
            checksum = hashlib.sha256(content).hexdigest()
            self._send(302, {
                **about, "Location": f"{self.hub.store}/{name}/{path}",
                "X-Linked-Etag": f'"{checksum}"', "X-Linked-Size": str(len(content)),
            }, b"")
        else:
            sent = content[:-1] + b"?" if path in repository.corrupt else content
            self._send(200, {**about, "ETag": f'"{git_checksum(content)}"'}, sent)

    def _give_large(self, name: str, path: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return
        content = repository.files[path]
        if path in repository.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked = self.headers.get("Range", "")
        headers = {"Accept-Ranges": "bytes", "ETag": '"same"'}
        status = 200
        if asked and repository.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            end = int(last) + 1 if last else len(content)
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
            content, status = content[int(first):end], 206
        self._send(status, headers, content, repository)

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, {"X-Error-Code": code, "X-Error-Message": "No."}, b"")

    def _send(
        self, status: int, headers: dict[str, str], content: bytes,
        repository: Repository | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        whole = len(content)
        if repository is not None and repository.break_after and whole > 1:
            content = content[: repository.break_after.pop(0)]
        held = repository.hold_after if repository is not None else 0
        try:
            if held:
                self.wfile.write(content[:held])
                repository.released.wait(60.0)
                content = content[held:]
            self.wfile.write(content)
        except ConnectionError:
            # The other side has gone, which some tests are about.
            return


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """A server while the block runs."""
    hub = HubServer()
    thread = threading.Thread(target=hub.serve, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.close()
        thread.join()
