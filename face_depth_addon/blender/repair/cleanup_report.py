# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clean-up has changed, in numbers and in words."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class CleanupReport:
    """Numbers of elements that a clean-up has changed.

    Attributes
    ----------
    merged : int
        Vertices merged into others.
    faces, islands, spikes, loose : int
        Faces cut or deleted, islands dropped, spikes pulled back, loose vertices and edges
        deleted.
    divided : int
        Vertices added where faces were taken apart.
    turned : int
        Faces turned over.
    holes, vertices : int
        Holes filled, and the new vertices in them.
    left : int
        Holes that could not be filled.
    flipped, crossing : int
        Faces selected because they look the wrong way or go through others.
    """

    merged: int = 0
    faces: int = 0
    islands: int = 0
    spikes: int = 0
    loose: int = 0
    divided: int = 0
    turned: int = 0
    holes: int = 0
    vertices: int = 0
    left: int = 0
    flipped: int = 0
    crossing: int = 0

    def __add__(self, other: "CleanupReport") -> "CleanupReport":
        return CleanupReport(*(
            getattr(self, field.name) + getattr(other, field.name) for field in fields(self)
        ))

    def sentence(self, nothing: str = "Nothing to clean up") -> str:
        """For people, without a final full stop; ``nothing`` where nothing was done."""
        removed = ", ".join(filter(None, [
            _counted(self.faces, "face"),
            _counted(self.islands, "island"),
            _counted(self.spikes, "spike"),
            _counted(self.loose, "loose element"),
        ]))
        filled = _counted(self.holes, "hole")
        inside = _counted(self.vertices, "new vertex", "new vertices")
        parts = filter(None, [
            _done("merged", _counted(self.merged, "vertex", "vertices")),
            _done("removed", removed),
            _done("divided", _counted(self.divided, "vertex", "vertices")),
            _done("turned", _counted(self.turned, "face")),
            _done("filled", f"{filled} with {inside}" if filled and inside else filled),
            _done("left open", _counted(self.left, "hole with a tangled border",
                                        "holes with a tangled border")),
            _done("selected", _counted(self.flipped, "flipped face")),
            _done("selected", _counted(self.crossing, "face that goes through another",
                                       "faces that go through others")),
        ])
        text = "; ".join(parts)
        return text[0].upper() + text[1:] if text else nothing


def _done(what: str, count: str) -> str:
    return f"{what} {count}" if count else ""


def _counted(count: int, singular: str, plural: str = "") -> str:
    if not count:
        return ""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
