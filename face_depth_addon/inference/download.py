# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a model that the user has asked for, in the worker; nothing else uses the network.

Downloads that were stopped go on where they stopped. What comes from the Hugging Face Hub goes
into the Hub's own cache, where other programs find it too. The Hub's library keeps that cache's
books, by public functions that its versions 0.30 to 2.4 have alike; the bytes are fetched here,
since its newer versions begin anew after every stop.
"""

import hashlib
import http.client
import importlib.util
import json
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from ..core.errors import DownloadError, ModelError
from .cards import Card
from .places import INCOMPLETE, downloads, find_place, hub_cache, hub_folder
from .request import Downloaded
from .weights import PICKLES

_CHUNK = 1 << 18
_TIMEOUT = 30.0
# How often in a row a connection may break before anything has come, and the seconds between.
_TRIES, _PAUSE = 4, 1.0
_REPORT_EVERY = 0.1
_ONWARD = "start the download again, it goes on where it stopped"

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class _File:
    """A file to fetch.

    Attributes
    ----------
    name : str
        Inside the repository.
    url : str
    path : Path
        Where it goes once it is whole and checked.
    size : int
        Bytes.
    checksum : str
        SHA-256, or git's SHA-1 of a blob, in hexadecimal; empty if nobody states one.
    """

    name: str
    url: str
    path: Path
    size: int
    checksum: str

    @property
    def partial(self) -> Path:
        """Where it goes until then."""
        return self.path.with_name(self.path.name + INCOMPLETE)

    def missing_bytes(self) -> int:
        """What is still to be fetched."""
        return 0 if self.path.exists() else max(self.size - _size(self.partial), 0)


def fetch(card: Card, report: Report) -> Downloaded:
    """Download a model, or the rest of it.

    Parameters
    ----------
    card : Card
    report : callable
        Called with a label and a fraction from 0 to 1 a few times a second; what it raises stops
        the download, and what has been fetched stays.

    Raises
    ------
    DownloadError
        No connection, a refusal, too little room, or files that differ from what they should be.
    ModelError
        It comes with the add-on, or is offered as pickles only.
    """
    if card.comes_along:
        raise ModelError(f"{card.title} comes with Face Depth: there is nothing to download.")
    if card.repository:
        return _fetch_from_hub(card, report)
    return _fetch_single(card, report)


def _fetch_from_hub(card: Card, report: Report) -> Downloaded:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise DownloadError(
            "The Python that runs the depth models has no huggingface_hub, which comes with "
            "transformers: install it there, or choose another interpreter in the preferences "
            "(--python on the command line)."
        )
    from huggingface_hub import get_token

    report(f"Asking for {card.title}", 0.0)
    token = get_token() or ""
    commit, files = _list_files(card, token)
    # Where links are not allowed, the library makes a copy before the original can go.
    spare = max(file.size for file in files) if os.name == "nt" else 0
    _fetch_all(card, files, spare, token, report)
    for file in files:
        _enter(card, file, commit)
    if commit != card.revision:
        # Last, so that an older state stays in use until this one is whole.
        _enter(card, files[0], card.revision)
    place = find_place(card)
    if place is None:
        raise DownloadError(
            f"{card.title} was changed at the Hub during the download: start it again."
        )
    return Downloaded(place, sum(file.size for file in files))


def _list_files(card: Card, token: str) -> tuple[str, list[_File]]:
    """The commit that a card's revision stands for, and its wanted files, the smallest first."""
    from huggingface_hub import constants, hf_hub_url

    revision = quote(card.revision, safe="")
    url = f"{constants.ENDPOINT}/api/models/{card.repository}/revision/{revision}?blobs=true"
    try:
        with _open(card, url, token) as answer:
            said = json.load(answer)
        commit = said["sha"]
        offered = {entry["rfilename"]: entry for entry in said["siblings"]}
        wanted = _wanted(card, list(offered))
        blobs = hub_folder(card.repository) / "blobs"
        files = []
        for name in wanted:
            large = offered[name].get("lfs")
            checksum = large["sha256"] if large else offered[name]["blobId"]
            size = (large or offered[name])["size"]
            if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", checksum):
                raise ValueError(checksum)
            files.append(_File(
                name, hf_hub_url(card.repository, name, revision=commit), blobs / checksum,
                int(size), checksum,
            ))
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DownloadError(
            f"{_host(url)} does not answer as the Hub does: a log-in page of this network may "
            "lie between."
        ) from error
    return commit, sorted(files, key=lambda file: file.size)


def _wanted(card: Card, names: list[str]) -> list[str]:
    """The names of the files that a card asks for, never a pickle."""
    pickles = [name for name in names if name.lower().endswith(PICKLES)]
    safe = [name for name in names if name not in pickles and ".." not in name]
    found: list[str] = []
    for pattern in card.files:
        fitting = [name for name in safe if fnmatchcase(name, pattern) and name not in found]
        if not fitting and pattern.endswith(".safetensors") and pickles:
            raise ModelError(
                f"{card.title} offers no safetensors at the Hub, only pickles, which are refused."
            )
        if not fitting:
            raise DownloadError(f"{card.title} has no {pattern} at the Hub any more.")
        found += fitting
    return found


def _enter(card: Card, file: _File, revision: str) -> None:
    """Have the library enter a file, which lies in its cache, under a revision."""
    from huggingface_hub import hf_hub_download

    try:
        link = Path(hf_hub_download(
            card.repository, file.name, revision=revision, cache_dir=hub_cache()
        ))
        if not link.is_symlink():
            file.path.unlink(missing_ok=True)
    except OSError as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DownloadError(
            f"The download of {card.title} could not be finished ({reason}): {_ONWARD}."
        ) from error


def _fetch_single(card: Card, report: Report) -> Downloaded:
    report(f"Asking for {card.title}", 0.0)
    path = downloads() / card.settings["file"]
    try:
        with _open(card, card.url, first=0, last=0) as answer:
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            size = int(whole or answer.headers["Content-Length"])
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(card.url, error) from error
    except (ValueError, TypeError) as error:
        raise DownloadError(f"{_host(card.url)} does not say how large {card.title} is.") from error
    _fetch_all(card, [_File(path.name, card.url, path, size, card.sha256)], 0, "", report)
    return Downloaded(path, size)


def _fetch_all(card: Card, files: list[_File], spare: int, token: str, report: Report) -> None:
    """Fetch files one after the other, and check each of them."""
    folder = files[0].path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    needed = spare + sum(file.missing_bytes() for file in files)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"{card.title} needs {needed / 1e9:.1f} GB more on the disk of {folder}, where "
            f"{free / 1e9:.1f} GB are free: make room there."
        )
    total = sum(file.size for file in files)
    before = 0
    for file in files:

        def fetched(count: int, before: int = before) -> None:
            done = before + count
            report(
                f"Downloading {card.title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB",
                done / max(total, 1),
            )

        present = file.path.exists()
        if not present:
            _fetch_bytes(card, file, token, _seldom(fetched))
        before += file.size
        checking = partial(report, f"Checking {card.title}", before / max(total, 1))
        _check(card, file, file.path if present else file.partial, checking)
        if not present:
            os.replace(file.partial, file.path)
    report(f"Downloaded {card.title}", 1.0)


def _fetch_bytes(card: Card, file: _File, token: str, fetched: Callable[[int], None]) -> None:
    """Fetch what a partial file lacks, again and again as long as something comes."""
    failures = 0
    reason: Exception | None = None
    if _size(file.partial) > file.size:
        file.partial.unlink()
    while (done := _size(file.partial)) < file.size or not file.partial.exists():
        fetched(done)
        try:
            _append(card, file, token, fetched)
        except (OSError, http.client.HTTPException) as error:
            reason = error
        if _size(file.partial) > done:
            failures = 0
        else:
            failures += 1
        if failures == _TRIES:
            raise _unreachable(file.url, reason) from reason
        if _size(file.partial) < file.size:
            time.sleep(_PAUSE)


def _append(card: Card, file: _File, token: str, fetched: Callable[[int], None]) -> None:
    """Add to a partial file what a server sends in one answer."""
    done = _size(file.partial)
    with _open(card, file.url, token, first=done) as answer:
        # A server that knows no ranges sends the whole.
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        done = done if goes_on else 0
        with _opened(file.partial, "ab" if goes_on else "wb") as output:
            while chunk := answer.read1(_CHUNK):
                _write(output, chunk, file.partial)
                done += len(chunk)
                fetched(done)


def _opened(path: Path, mode: str) -> BinaryIO:
    try:
        # Nothing is lost in a buffer when the process is killed.
        return path.open(mode, buffering=0)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write(output: BinaryIO, chunk: bytes, path: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[output.write(rest):]
    except OSError as error:
        raise _unwritable(path, error) from error


def _check(card: Card, file: _File, path: Path, checking: Callable[[], None]) -> None:
    """Compare a file with its checksum, and delete it if it is another."""
    whole = _size(path) == file.size
    if whole and file.checksum:
        digest = hashlib.sha256()
        if len(file.checksum) != 2 * digest.digest_size:
            digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        tell = _seldom(lambda _: checking())
        with path.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                tell(len(chunk))
        whole = digest.hexdigest() == file.checksum
    if not whole:
        path.unlink()
        raise DownloadError(
            f"{file.name} of {card.title} did not arrive as its checksum says, and was deleted: "
            "start the download again."
        )


def _seldom(tell: Callable[[int], None]) -> Callable[[int], None]:
    """The same, but at most ten times a second."""
    last = 0.0

    def sometimes(count: int) -> None:
        nonlocal last
        if time.monotonic() - last > _REPORT_EVERY:
            tell(count)
            last = time.monotonic()

    return sometimes


def _open(
    card: Card, url: str, token: str = "", first: int = 0, last: int | None = None
) -> http.client.HTTPResponse:
    """Ask for a range of bytes of an address; a refusal is a `DownloadError`."""
    request = urllib.request.Request(url, headers={"User-Agent": "face-depth"})
    if first or last is not None:
        request.add_header("Range", f"bytes={first}-{'' if last is None else last}")
    if token:
        # Not for the servers that the Hub passes us on to.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT, context=_certificates())
    except urllib.error.HTTPError as error:
        with error:
            gone = error.headers.get("X-Error-Code") == "RepoNotFound"
            code = http.HTTPStatus.NOT_FOUND if gone else error.code
            raise DownloadError(_refusal(card, url, code)) from error


@cache
def _certificates() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if importlib.util.find_spec("certifi") is not None:
        # The Python inside Blender may not find the system's own.
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _refusal(card: Card, url: str, code: int) -> str:
    """What the user is told about an answer other than the wanted one."""
    host = _host(url)
    status = http.HTTPStatus
    if code in {status.UNAUTHORIZED, status.FORBIDDEN} and card.repository:
        return (
            f"{host} does not give {card.title} to everybody: accept its terms at {card.home}, "
            "log in with hf auth login, and start the download again."
        )
    if code in {status.NOT_FOUND, status.GONE}:
        return f"{card.title} is not offered at {host} any more: see {card.home}."
    if code == status.TOO_MANY_REQUESTS:
        return f"{host} has been asked too often: wait a few minutes, then {_ONWARD}."
    if code >= status.INTERNAL_SERVER_ERROR:
        return f"{host} has a fault of its own at the moment ({code}): try again later."
    return f"{host} refuses to give {card.title} ({code}): see {card.home}."


def _unreachable(url: str, error: Exception | None) -> DownloadError:
    """What the user is told about a connection that failed; None if it just ended."""
    host = _host(url)
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            f"The connection to {host} is not safe ({reason.verify_message}): check this "
            "computer's date and network."
        )
    if isinstance(reason, TimeoutError):
        return DownloadError(f"{host} does not answer: check the connection, then {_ONWARD}.")
    if isinstance(error, urllib.error.URLError):
        return DownloadError(
            f"{host} cannot be reached: check the connection to the internet, then {_ONWARD}."
        )
    return DownloadError(f"The connection to {host} broke off: {_ONWARD}.")


def _unwritable(path: Path, error: OSError) -> DownloadError:
    return DownloadError(f"{path} cannot be written ({error.strerror or error}).")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
