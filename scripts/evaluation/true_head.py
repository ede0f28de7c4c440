# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads whose whole surface is known: what photos from several sides show of one, put together.

A head's frame has its origin between the eyeballs, x to the person's left, y to the back, z up;
lengths are millimetres.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from heads.manifest import HEADER, FolderError, read_records
from heads.parameters import VIEW_YAWS, VIEWS19
from heads.pose import body_share

from .mesh_study import LEAST_FACING, between, facing, scan, split_yaw
from .truth import Case, Truth, list_cases

SPACING = 1.5
# Skin, hair, eyes and the inside of the mouth; behind glasses the face alone.
_HEAD_LABELS, _GLASSES = (1, 2, 5, 6), 4
# How far what belongs to the head may move with the body.
_MOST_BODY = 0.1
_EYES, _MOUTH = [36, 39, 42, 45], [48, 54]
# Of rendered heads, on average: where the middle of the eyes' corners lies, and by how many
# degrees the line from there to the mouth leans forward.
_EYES_PLACE, _LEAN = np.array([0.0, -10.0, -3.0]), 8.0


@dataclass(frozen=True, eq=False)
class View:
    """A photo of a head.

    Attributes
    ----------
    truth : Truth
    visible : ndarray, (H, W) bool
        Where the photo shows the head, its neck and body perhaps included.
    face : ndarray, (H, W) bool
        The part of it that is the face.
    rotation : ndarray, (3, 3) float64
        From the photo's frame, x right, y down, z away, to the head's.
    shift : ndarray, (3,) float64
    """

    truth: Truth
    visible: np.ndarray
    face: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray

    def to_head(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 3) of the photo's frame in the head's."""
        return points @ self.rotation.T + self.shift

    @property
    def aimed_rotation(self) -> np.ndarray:
        """The rotation as if the camera looked at the picture's middle: (3, 3) float64.

        A photo that was cut out beside the optical axis does not tell so; whoever takes its
        middle for the axis sees the head turned by the angle between them.
        """
        truth = self.truth
        height, width = truth.face.shape
        across, down = np.array([width / 2, height / 2]) - truth.principal_px
        middle = np.array([across, down, truth.focal_px])
        middle /= np.linalg.norm(middle)
        axis = np.array([0.0, 0.0, 1.0])
        turn = np.cross(axis, middle)
        angle = np.arctan2(np.linalg.norm(turn), middle[2])
        swing, _ = cv2.Rodrigues(turn / max(np.linalg.norm(turn), 1e-12) * angle)
        return self.rotation @ swing


@dataclass(frozen=True, eq=False)
class TrueHead:
    """All that the photos show of a head.

    Attributes
    ----------
    name, person : str
        Heads of one person may differ in light.
    views : dict of int to View
        By yaw in degrees.
    landmarks : ndarray, (k,) int
        Which of the 68 landmarks of iBUG are known.
    landmark_points : ndarray, (k, 3) float64
        In the head's frame.
    """

    name: str
    person: str
    views: dict[int, View]
    landmarks: np.ndarray
    landmark_points: np.ndarray

    @cached_property
    def _surface(self) -> tuple[np.ndarray, np.ndarray]:
        parts = [_shown(view) for view in self.views.values()]
        points, cosines, face = (np.concatenate(each) for each in zip(*parts))
        above = body_share(points) < _MOST_BODY
        points, cosines, face = points[above], cosines[above], face[above]
        kept = thinned(points, cosines, SPACING)
        return points[kept], face[kept]

    @property
    def points(self) -> np.ndarray:
        """The surface above the neck: (n, 3) float64."""
        return self._surface[0]

    @property
    def face(self) -> np.ndarray:
        """Which of the points lie on the face: (n,) bool."""
        return self._surface[1]


@dataclass(frozen=True)
class HeadCase:
    """A head of a folder, not read yet.

    Attributes
    ----------
    name, person : str
    folder : Path
    cases : dict of int to Case
        By yaw.
    records : dict of int to dict, or None
        Of a rendered data set.
    """

    name: str
    person: str
    folder: Path
    cases: dict[int, Case]
    records: dict[int, dict] | None

    def path(self, yaw: int) -> Path:
        """The file of a photo."""
        if self.records is None:
            return self.folder / f"{self.cases[yaw].name}.png"
        return self.folder / self.records[yaw]["files"]["colour"]

    def read(self) -> TrueHead:
        """Read all photos.

        Raises
        ------
        FolderError, PhotoError
        """
        truths = {yaw: case.read() for yaw, case in self.cases.items()}
        if self.records is None:
            return _scanned(self.name, self.person, truths)
        views = {yaw: _rendered(self.folder, self.records[yaw], truths[yaw]) for yaw in truths}
        front = views[min(views, key=abs)]
        return TrueHead(
            self.name, self.person, views, front.truth.landmarks,
            front.to_head(front.truth.landmark_points),
        )


def list_heads(folder: Path) -> list[HeadCase]:
    """Return the heads that a folder shows from several sides, in order.

    Of a data set of the 19-view protocol those whose samples are all rendered; of a folder of
    scans those with photos NAME_y+40.png and the like.

    Raises
    ------
    FolderError
    """
    folder, cases = Path(folder), list_cases(folder)
    if (folder / HEADER).is_file():
        found = _rendered_cases(folder, cases)
    else:
        found = []
        for name, views in split_yaw({case.name: case for case in cases}).items():
            if len(views) > 1:
                person = name.rpartition("_")[0] or name
                found.append(HeadCase(name, person, folder, dict(sorted(views.items())), None))
    if not found:
        raise FolderError(f"{folder} has no head that is seen from several sides.")
    return found


def _rendered_cases(folder: Path, cases: list[Case]) -> list[HeadCase]:
    persons: dict[int, dict[int, tuple[Case, dict]]] = {}
    for case, record in zip(cases, read_records(folder), strict=True):
        if record["protocol"] == VIEWS19:
            persons.setdefault(record["identity"], {})[VIEW_YAWS[record["view"]]] = case, record
    return [
        HeadCase(
            f"head {identity}", str(identity), folder,
            {yaw: case for yaw, (case, _) in views.items()},
            {yaw: record for yaw, (_, record) in views.items()},
        )
        for identity, views in persons.items() if len(views) == len(VIEW_YAWS)
    ]


def _rendered(folder: Path, record: dict, truth: Truth) -> View:
    path = folder / record["files"]["labels"]
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise FolderError(f"{path} cannot be read; run the same `render` command again.")
    # No photo shows a forehead under a hat, though its depth is known.
    face = truth.face & np.isin(labels, (*_HEAD_LABELS, _GLASSES))
    visible = (np.isin(labels, _HEAD_LABELS) | face) & np.isfinite(truth.distance)
    rotation = np.array(record["extrinsics"]["rotation"]).T
    return View(
        truth, visible, face, rotation,
        -rotation @ np.array(record["extrinsics"]["translation_mm"]),
    )


def _scanned(name: str, person: str, truths: dict[int, Truth]) -> TrueHead:
    """A scan's views, each placed by the next one towards the front."""
    yaws = sorted(truths)
    middle = yaws.index(min(yaws, key=abs))
    front = truths[yaws[middle]]
    axes, origin = head_frame(front.landmarks, front.landmark_points)
    placed = {yaws[middle]: (axes.T, -axes.T @ origin)}
    for side in (yaws[middle:], yaws[middle::-1]):
        for inner, outer in pairwise(side):
            rotation, shift = between(truths[outer], truths[inner])
            inward, there = placed[inner]
            placed[outer] = inward @ rotation, inward @ shift + there
    views = {
        yaw: View(truth, np.isfinite(truth.distance), truth.face, *placed[yaw])
        for yaw, truth in truths.items()
    }
    points = views[yaws[middle]].to_head(front.landmark_points)
    return TrueHead(name, person, views, front.landmarks, points)


def head_frame(landmarks: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The head's frame, as far as landmarks tell it.

    Parameters
    ----------
    landmarks : ndarray, (k,) int
        Which of the 68 they are: at least the corners of eyes and mouth.
    points : ndarray, (k, 3)

    Returns
    -------
    tuple of ndarray
        (3, 3) its axes as columns, and (3,) its origin, where the points are.

    Raises
    ------
    FolderError
        One of them is missing.
    """
    known = dict(zip(landmarks.tolist(), points))
    if not known.keys() >= {*_EYES, *_MOUTH}:
        raise FolderError("The photo from the front does not show the corners of eyes and mouth.")
    eyes = np.array([known[index] for index in _EYES])
    middle, mouth = eyes.mean(axis=0), np.mean([known[index] for index in _MOUTH], axis=0)
    left = eyes[2:].mean(axis=0) - eyes[:2].mean(axis=0)
    left /= np.linalg.norm(left)
    up = middle - mouth
    up -= (up @ left) * left
    up /= np.linalg.norm(up)
    lean = np.radians(_LEAN)
    back = np.cross(up, left)
    axes = np.column_stack(
        [left, np.cos(lean) * back + np.sin(lean) * up, np.cos(lean) * up - np.sin(lean) * back]
    )
    return axes, middle - axes @ _EYES_PLACE


def _shown(view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points that a photo shows well enough, how squarely it does, and whether on the face."""
    surface = scan(replace(view.truth, face=view.visible))
    cosines = facing(surface)
    kept = cosines > LEAST_FACING
    face = view.face[view.visible]
    return view.to_head(surface.points[kept]), cosines[kept], face[kept]


def thinned(points: np.ndarray, ranks: np.ndarray, spacing: float) -> np.ndarray:
    """Which points stay, one in each cube: that of the highest rank.

    Parameters
    ----------
    points : ndarray, (n, 3)
    ranks : ndarray, (n,)
    spacing : float
        Side of the cubes.

    Returns
    -------
    ndarray, (k,) int
    """
    order = np.argsort(-ranks, kind="stable")
    cubes = np.floor(points[order] / spacing).astype(np.int64)
    _, first = np.unique(cubes, axis=0, return_index=True)
    return np.sort(order[first])
