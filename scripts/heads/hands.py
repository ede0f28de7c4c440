# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand at the face: the person's own hand and forearm, posed and moved there.

The palm or the fingers are laid on a place of the face and then moved along the face's normal
until they just touch it.
"""

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.spatial.transform import Rotation

from .base_mesh import BaseMesh
from .clothes import ClothesParams
from .colours import Colour
from .fabrics import plain_material
from .maths import normalised, smoothstep
from .meshes import grid_surface, quad_normals
from .shapes import Label, Material, Surface
from .subdivision import Subdivision

PLACES = ("chin", "cheek", "beside")

_BARE = ("t-shirt", "v-neck", "tank")
_CELL = 4.0  # millimetres
_CUFF = 0.16  # where a sleeve ends, of the way from the wrist to the elbow


@dataclass(frozen=True)
class HandParams:
    """A hand at the face.

    Attributes
    ----------
    place
        Where it is: one of ``PLACES``.
    left
        Whether it is the person's left hand.
    curl
        How far the fingers are bent, 0 to 1.
    swing
        How far the forearm leans outwards, -1 to 1.
    shift
        Offset of the hand on the face in millimetres, sideways and up.
    sleeve
        Linear RGB of a sleeve; None for a bare arm.
    """

    place: str
    left: bool
    curl: float
    swing: float
    shift: tuple[float, float]
    sleeve: Colour | None


def draw(rng: np.random.Generator, sex: float, age: float) -> HandParams | None:
    """Return a random hand at the face, or None for 24 people in 25.

    Parameters
    ----------
    sex, age
        As for the other things worn; they do not matter here.
    """
    worn = rng.random() < 0.04
    place = str(rng.choice(PLACES, p=(0.42, 0.33, 0.25)))
    left = bool(rng.random() < 0.5)
    curl, swing = rng.random(), rng.uniform(-1, 1)
    across, up = np.clip(rng.normal(0, 4, 2), -9, 9)
    hand = HandParams(
        place,
        left,
        round(float(curl), 4),
        round(float(swing), 4),
        (round(float(across), 4), round(float(up), 4)),
        None,
    )
    return hand if worn else None


def match(
    hand: HandParams | None, clothes: ClothesParams
) -> tuple[HandParams | None, ClothesParams]:
    """Return a hand with a sleeve of the clothes, and clothes that have long sleeves."""
    if hand is None:
        return hand, clothes
    if clothes.kind in _BARE:
        clothes = dataclasses.replace(clothes, kind="jumper")
    # The sleeve that goes up to the face is of one colour.
    clothes = dataclasses.replace(clothes, pattern="plain")
    return dataclasses.replace(hand, sleeve=clothes.colour), clothes


@dataclass(frozen=True)
class _Pose:
    """How a left hand lies on the face.

    Attributes
    ----------
    fingers, palm
        Where the fingers point and the palm faces, in the head's frame.
    spot
        The place of the face, at rest.
    touch
        Which part of the hand goes there: weights of the wrist, the knuckles and the finger tips.
    bend
        Degrees at the three joints of the fingers: at the least and at the most curl.
    fan
        Degrees that the outer fingers bend more than the index finger.
    gap
        Millimetres between hand and face.
    """

    fingers: tuple[float, float, float]
    palm: tuple[float, float, float]
    spot: tuple[float, float, float]
    touch: tuple[float, float, float]
    bend: tuple[tuple[float, float, float], tuple[float, float, float]]
    fan: float
    gap: float = 0.0


_POSES = {
    "chin": _Pose((-0.42, 0.35, 0.84), (-0.15, 0.75, 0.64), (8, -8, -118), (0.0, 0.75, 0.25),
                  ((30, 60, 30), (70, 80, 45)), 8),
    "cheek": _Pose((-0.05, 0.42, 0.90), (-0.92, 0.38, 0.02), (58, 12, -44), (0.3, 0.6, 0.1),
                   ((0, 4, 2), (8, 20, 10)), 5),
    "beside": _Pose((0.10, 0.05, 0.99), (-0.15, -0.97, 0.05), (92, 10, -40), (0.1, 0.8, 0.1),
                    ((2, 6, 4), (20, 30, 15)), 6, 30.0),
}  # fmt: skip


class _Arm:
    """Hand and forearm of one side of the base mesh."""

    def __init__(self, base_mesh: BaseMesh, side: str) -> None:
        mesh = base_mesh.mesh
        self.joints = {
            name: base_mesh.group_vertices(f"joint-{side}-{name}")
            for name in ["shoulder", "elbow", "hand", *(f"finger-{i}-{j}" for i in range(1, 6)
                                            for j in range(1, 5))]
        }  # fmt: skip
        rest = mesh.vertices
        where = {name: rest[group].mean(0) for name, group in self.joints.items()}
        axis = where["hand"] - where["elbow"]
        length = np.linalg.norm(axis)
        skin = mesh.faces[base_mesh.skin_faces]
        middle = rest[skin].mean(1) - where["elbow"]
        along = middle @ axis / length
        aside = np.linalg.norm(middle - np.outer(along, axis / length), axis=1)
        chosen = np.flatnonzero((along > 0.02 * length) & (aside < 140))
        faces = skin[chosen]
        self._used = np.unique(faces)
        number = np.full(len(rest), -1)
        number[self._used] = np.arange(len(self._used))
        uv = mesh.uv[base_mesh.skin_faces][chosen]
        self.fine = Subdivision(number[faces].astype(np.int32), uv, len(self._used))
        self._share = self._finger_shares(rest[self._used], where)

    def _finger_shares(self, points: np.ndarray, where: dict[str, np.ndarray]) -> np.ndarray:
        """Return how far each vertex turns with each joint of each finger, (5, 3, V)."""
        chains = np.array([[where[f"finger-{i}-{j}"] for j in range(1, 5)] for i in range(1, 6)])
        distance, along = [], []
        for chain in chains:
            lengths = np.linalg.norm(np.diff(chain, axis=0), axis=1)
            starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            best = np.full(len(points), np.inf)
            position = np.zeros(len(points))
            for start, first, second in zip(starts, chain[:-1], chain[1:], strict=True):
                span = second - first
                raw = (points - first) @ span / (span @ span)
                share = np.clip(raw, 0, 1)
                away = np.linalg.norm(points - first - share[:, None] * span, axis=1)
                low = raw if start == 0 else share
                here = np.where(raw < 0, low, share) * np.linalg.norm(span) + start
                position = np.where(away < best, here, position)
                best = np.minimum(best, away)
            distance.append(best)
            along.append((position, starts))
        nearest = np.argmin(distance, axis=0)
        shares = np.zeros((5, 3, len(points)), np.float32)
        for finger, (position, starts) in enumerate(along):
            for joint, start in enumerate(starts):
                ramp = smoothstep((position - start) / 12 + 0.5, 0, 1)
                shares[finger, joint] = np.where(nearest == finger, ramp, 0)
        return shares

    def posed(self, base: np.ndarray, bend: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the vertices with bent fingers, and the joints: straight ones, and bent tips.

        ``bend`` is (5, 3): degrees at each finger's joints, towards the palm.
        """
        where = {name: base[group].mean(0) for name, group in self.joints.items()}
        frame = _hand_frame(where)
        points = base[self._used].astype(float)
        tips = np.array([where[f"finger-{i}-4"] for i in range(1, 6)])
        for finger in range(5):
            axis = self._bend_axis(where, finger, frame)
            for joint in (2, 1, 0):
                pivot = where[f"finger-{finger + 1}-{joint + 1}"]
                share = self._share[finger, joint]
                moved = np.flatnonzero(share > 0)
                angle = np.radians(bend[finger, joint]) * share[moved, None]
                turned = Rotation.from_rotvec(angle * axis).apply(points[moved] - pivot)
                points[moved] = turned + pivot
                whole = Rotation.from_rotvec(np.radians(bend[finger, joint]) * axis)
                tips[finger] = whole.apply(tips[finger] - pivot) + pivot
        where["tips"] = tips[1:4].mean(0)
        return self.fine.apply(np.asarray(points, np.float32)), where

    @staticmethod
    def _bend_axis(where: dict[str, np.ndarray], finger: int, frame: np.ndarray) -> np.ndarray:
        along = where[f"finger-{finger + 1}-3"] - where[f"finger-{finger + 1}-1"]
        palm = frame[1] if finger else frame[1] * 0.4 - frame[2] * 0.9
        axis = np.cross(along, palm)
        return axis / np.linalg.norm(axis)


def _hand_frame(where: dict[str, np.ndarray]) -> np.ndarray:
    """Return the directions of the fingers, out of the palm, and to the thumb; rows of (3, 3)."""
    knuckles = np.array([where[f"finger-{i}-1"] for i in range(2, 6)])
    fingers = knuckles.mean(0) - where["hand"]
    fingers /= np.linalg.norm(fingers)
    thumb = knuckles[0] - knuckles[3]
    thumb -= thumb @ fingers * fingers
    thumb /= np.linalg.norm(thumb)
    palm = np.cross(fingers, thumb)
    # Relaxed fingers bend towards the palm.
    curl = where["finger-3-4"] - where["finger-3-1"]
    if curl @ palm < 0:
        palm = -palm
    return np.stack([fingers, palm, thumb])


@lru_cache(maxsize=4)
def _arm(base_mesh: BaseMesh, side: str) -> _Arm:
    return _Arm(base_mesh, side)


@dataclass(frozen=True)
class _Face:
    """The skin of the head.

    Attributes
    ----------
    faces
        (F, 4) corners.
    vertices, rest
        Indices of its vertices, and their positions at rest.
    corners
        One face around each vertex.
    """

    faces: np.ndarray
    vertices: np.ndarray
    rest: np.ndarray
    corners: np.ndarray


@lru_cache(maxsize=2)
def _face(base_mesh: BaseMesh) -> _Face:
    mesh = base_mesh.mesh
    rest = base_mesh.neutral
    faces = mesh.faces[base_mesh.skin_faces]
    middle = rest[faces].mean(1)
    faces = faces[(middle[:, 2] > -190) & (np.abs(middle[:, 0]) < 110)]
    vertices, first = np.unique(faces, return_index=True)
    return _Face(faces, vertices, rest[vertices], faces[first // 4])


def build(
    params: HandParams | None,
    base: np.ndarray,
    base_mesh: BaseMesh,
    skin: Material | None = None,
) -> list[Surface]:
    """Return the hand, labelled ``Label.HAND``, and its sleeve, ``Label.CLOTHES``; none for None.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    skin
        The material of the person's skin: the hand keeps the skin's texture coordinates.
    """
    if params is None:
        return []
    arm = _arm(base_mesh, "l" if params.left else "r")
    pose = _POSES[params.place]
    low, high = (np.array(degrees) for degrees in pose.bend)
    bend = np.tile(low + params.curl * (high - low), (5, 1))
    bend += pose.fan * np.array([0, 0, 1, 2, 3])[:, None] / 3
    bend[0] = (4, 6 + 14 * params.curl, 6 + 14 * params.curl)
    points, where = arm.posed(base, bend)
    turn, move, normal = _placement(params, pose, base, base_mesh, where)
    points = points @ turn.T + move
    wrist = turn @ where["hand"] + move
    fingers = turn @ _hand_frame(where)[0]
    hand = points[(points - wrist) @ fingers > -20]
    touch = _until_touch(hand[::2], base, base_mesh, normal, pose.gap)
    points = (points + touch).astype(np.float32)
    hand = Surface("hand", Label.HAND, points, arm.fine.faces, skin or Material(), arm.fine.uv)
    if params.sleeve is None:
        return [hand]
    elbow, wrist = (where[name] @ turn.T + move + touch for name in ("elbow", "hand"))
    return [hand, _sleeve(points, wrist, elbow, where["shoulder"], params.sleeve)]


def _placement(
    params: HandParams,
    pose: _Pose,
    base: np.ndarray,
    base_mesh: BaseMesh,
    where: dict[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a rotation matrix, an offset, and the face's normal where the hand goes."""
    side = np.array([1.0 if params.left else -1.0, 1.0, 1.0])
    face = _face(base_mesh)
    spot_rest = (np.array(pose.spot) + [params.shift[0], 0, params.shift[1]]) * side
    nearest = np.argsort(np.linalg.norm(face.rest - spot_rest, axis=1))[:6]
    spot = base[face.vertices[nearest]].mean(0)
    outside = spot_rest - face.rest[nearest].mean(0)
    normal = quad_normals(base[face.corners[nearest]]).mean(0)
    normal /= np.linalg.norm(normal)
    if params.place == "beside":
        spot = spot + outside
        normal = np.array([1.0, 0.0, 0.0]) * side
    lean = Rotation.from_euler("y", 14 * params.swing * side[0], degrees=True)
    fingers, palm = (lean.apply(np.array(v) * side) for v in (pose.fingers, pose.palm))
    wanted = _orthonormal(fingers, palm)
    frame = _hand_frame(where)
    thumb = np.cross(wanted[0], wanted[1]) * np.sign(np.cross(frame[0], frame[1]) @ frame[2])
    turn = np.stack([*wanted, thumb]).T @ frame
    knuckles = np.mean([where[f"finger-{i}-1"] for i in range(2, 6)], axis=0)
    wrist, middle, tip = pose.touch
    anchor = wrist * where["hand"] + middle * knuckles + tip * where["tips"]
    return turn, spot - turn @ anchor, normal


def _orthonormal(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    first = first / np.linalg.norm(first)
    second = second - second @ first * first
    return np.stack([first, second / np.linalg.norm(second)])


def _until_touch(
    points: np.ndarray, base: np.ndarray, base_mesh: BaseMesh, normal: np.ndarray, gap: float
) -> np.ndarray:
    """Return the move along the face's normal after which the hand touches, or keeps a gap.

    Both are seen along the normal in cells: the face's highest and the hand's lowest points count.
    """
    face = _face(base_mesh)
    skin = np.concatenate([base[face.vertices], base[face.faces].mean(1)])
    across = np.cross(normal, [0.3, 0.2, 1.0])
    across /= np.linalg.norm(across)
    plane = np.stack([across, np.cross(normal, across)], 1)
    face_cells, hand_cells = (np.rint(p @ plane / _CELL).astype(int) for p in (skin, points))
    corner = np.minimum(face_cells.min(0), hand_cells.min(0))
    shape = np.maximum(face_cells.max(0), hand_cells.max(0)) - corner + 1
    highest, lowest = np.full(shape, -np.inf), np.full(shape, np.inf)
    np.maximum.at(highest, tuple((face_cells - corner).T), skin @ normal)
    np.minimum.at(lowest, tuple((hand_cells - corner).T), points @ normal)
    # Some faces are larger than a cell.
    highest = np.where(np.isinf(highest), maximum_filter(highest, 3), highest)
    overlap = highest - lowest
    overlap = overlap[np.isfinite(overlap)]
    return float(np.clip(overlap.max(initial=-25.0) + gap, -60, 120)) * normal


def _sleeve(
    points: np.ndarray,
    wrist: np.ndarray,
    elbow: np.ndarray,
    shoulder: np.ndarray,
    colour: Colour,
) -> Surface:
    """Return a sleeve from a cuff around the forearm by the elbow to the shoulder."""
    axis = elbow - wrist
    length = np.linalg.norm(axis)
    along = (points - wrist) @ axis / length**2
    away = points - wrist - np.outer(along, axis)
    places = np.concatenate(
        [_CUFF + np.array([0.05, 0.0, -0.004, 0.0, 0.03]), np.linspace(_CUFF + 0.08, 0.85, 8)]
    )
    swell = np.concatenate([[1.0, 2.2, 3.6, 5.0, 5.5], np.linspace(6.0, 8.0, 8)])
    centres, radii = [], []
    for place, more in zip(places, swell, strict=True):
        near = away[np.abs(along - place) < 0.06]
        centres.append(wrist + axis * place + near.mean(0))
        radii.append(np.percentile(np.linalg.norm(near - near.mean(0), axis=1), 92) + more)
    # On by a curve around the elbow into the shoulder.
    share = np.linspace(0, 1, 9)[1:, None]
    inside = shoulder - [0.0, 0.0, 25.0]
    upper = (1 - share) ** 2 * centres[-1] + 2 * share * (1 - share) * elbow + share**2 * inside
    path = np.concatenate([centres, upper])
    radii = np.concatenate([radii, np.linspace(radii[-1], radii[-1] * 1.12, 8)])
    material = plain_material(colour, "cloth")
    return grid_surface("hand_sleeve", Label.CLOTHES, _rings(path, radii), material)


def _rings(path: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return rings of points, (N, 32, 3), around a path, a little creased."""
    along = np.gradient(path, axis=0)
    along[:5] = along[6]
    along = normalised(along)
    across = normalised(np.cross(along, [0.0, -1.0, 0.0]))
    up = np.cross(along, across)
    ring = np.arange(32) / 32 * 2 * np.pi
    crease = 1 + 0.04 * np.sin(2 * ring + np.arange(len(path))[:, None] * 1.9)
    crease[:6] = 1.0
    circle = np.cos(ring)[:, None] * across[:, None] + np.sin(ring)[:, None] * up[:, None]
    return path[:, None] + circle * (radii[:, None] * crease)[..., None]
