# SPDX-License-Identifier: GPL-3.0-or-later
"""What kinds of photos are told apart: by pose, light, skin tone, hair and so on."""

import re

from heads.statistics import QUANTITIES, skin_angle

SKIN_TONE = "skin tone"
LEAST_COUNT = 8

_YAW_EDGES = (15.0, 30.0, 50.0)
_YAWS = ("0 to 15", "15 to 30", "30 to 50", "over 50")
_HAIR = {
    "none or cropped": ("bald", "shaven", "ring", "buzz"),
    "short": ("crop", "parted", "back", "spiky", "natural", "short"),
    "curly": ("curly", "afro"),
    "long": ("long", "fringe", "bob"),
    "tied": ("ponytail", "braid"),
}
_SCAN_NAME = re.compile(r".*_(?P<light>[^_]+)_y(?P<yaw>[+-]?\d+)")

_TONES, _SEXES, _AGES = (
    next(quantity for quantity in QUANTITIES if quantity.path == path)
    for path in ("skin.tone", "person.sex", "person.age")
)

#: Names of the breakdowns, and of their groups in order; those of the others come as they are.
BREAKDOWNS: dict[str, tuple[str, ...]] = {
    "yaw": _YAWS,
    "light": (),
    SKIN_TONE: _TONES.names,
    "hair": tuple(_HAIR),
    "glasses": ("none", "glasses"),
    "beard": ("none",),
    "age": tuple(
        f"{low:g} to {high:g}" for low, high in zip(_AGES.edges, _AGES.edges[1:], strict=False)
    ),
    "sex": _SEXES.names,
    "base head": ("mpfb", "ict"),
}


def of_record(record: dict) -> dict[str, str]:
    """Return a rendered sample's group in each breakdown."""
    person, hair = record["person"], record["hair"]
    return {
        "yaw": _yaw(record["camera"]["yaw"]),
        "light": record["light"]["kind"],
        SKIN_TONE: _interval(skin_angle(record["skin"]["tone"]), _TONES.edges, _TONES.names),
        "hair": _hair(hair["style"]),
        "glasses": "glasses" if record["glasses"] else "none",
        "beard": hair["beard"],
        "age": _interval(person["age"], _AGES.edges, BREAKDOWNS["age"]),
        "sex": _interval(person["sex"], _SEXES.edges, _SEXES.names),
        "base head": person["kind"],
    }


def of_scan(name: str) -> dict[str, str]:
    """Return a scan's groups, from a name such as ``head_side_y+20``; none from another."""
    match = _SCAN_NAME.fullmatch(name)
    if not match:
        return {}
    return {"yaw": _yaw(float(match["yaw"])), "light": match["light"]}


def in_order(breakdown: str, present: set[str]) -> list[str]:
    """Return the groups that are present, in the order in which they are shown."""
    known = BREAKDOWNS[breakdown]
    return [name for name in known if name in present] + sorted(present.difference(known))


def _yaw(degrees: float) -> str:
    return _YAWS[sum(abs(degrees) >= edge for edge in _YAW_EDGES)]


def _interval(value: float, edges: tuple[float, ...], names: tuple[str, ...]) -> str:
    """The name of the interval; what lies beyond the ends counts to the last one there."""
    return names[sum(value >= edge for edge in edges[1:-1])]


def _hair(style: str) -> str:
    kind = style.rstrip("0123456789")
    return next((name for name, kinds in _HAIR.items() if kind in kinds), style)
