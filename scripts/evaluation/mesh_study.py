# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of photos compared with a scan in space.

Lengths are millimetres in a photo's axes: x to the right, y down, z away from the camera.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from heads.manifest import FolderError
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from face_depth_addon.core.camera import Camera, from_camera_plane
from face_depth_addon.core.crop import transform_points
from face_depth_addon.core.detail.fine_relief import shading_relief
from face_depth_addon.core.errors import MeshError
from face_depth_addon.core.face.regions import region_mask
from face_depth_addon.core.head.completion import CompletedHead, complete_head
from face_depth_addon.core.head.visibility import nearest, vertex_normals
from face_depth_addon.core.head.wrap_model import similarity
from face_depth_addon.core.pictures import origin_of
from face_depth_addon.core.reconstruction import Reconstruction
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, Viewpoint, photo_viewpoint
from face_depth_addon.core.relief.surface import SurfaceMesh
from face_depth_addon.core.sampling import cut

from . import predictors
from .truth import Truth, list_cases, unproject

_T = TypeVar("_T")

_PROJECTIONS = ("RELIEF", "WEAK_PERSPECTIVE", "PERSPECTIVE")
_LAYOUT = Layout(resolution=256)
_TURNED = 40
_TO_SCAN = 1000.0 * np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
#: A scan more aslant to the line of sight than this is no measure of what is seen.
LEAST_FACING = np.cos(np.radians(75.0))
# Behind what a photo shows from which on a point is hidden in it.
_BEHIND = 3.0
_ROUNDS, _PAIRS = 60, 0.6


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo, what is true of it, and what the product makes of it."""

    truth: Truth
    found: Reconstruction

    @property
    def with_true_depth(self) -> Reconstruction:
        """The reconstruction that a model without error would give."""
        truth = self.truth
        # A model's depth is what a camera turned towards the face would see.
        camera = Camera(truth.focal_px, *truth.principal_px)
        aslant = from_camera_plane(np.zeros_like(truth.relief), self.found.crop, camera)
        relief = truth.relief - aslant
        known = np.isfinite(relief)
        _, (row, column) = distance_transform_edt(~known, return_indices=True)
        depth = cut(np.ascontiguousarray(relief[row, column]), self.found.crop, self.found.size)
        there = cut(known.astype(np.float32), self.found.crop, self.found.size) > 0.99
        subject = self.found.subject & there
        return replace(
            self.found, depth=depth, subject=subject, origin=origin_of(depth, subject)
        )


@dataclass(frozen=True, eq=False)
class _Surface:
    """Vertices and their normals in the scan's axes, (n, 3) each."""

    points: np.ndarray
    normals: np.ndarray


def photos(folder: Path, model: str) -> list[Seen]:
    """Reconstruct all photos of a folder.

    Raises
    ------
    FolderError, FaceDepthError
    """
    (predictor,) = predictors.choose([model], [], None)
    seen = []
    for case in list_cases(folder):
        truth = case.read()
        found = predictor.reconstruct(truth)
        if found is not None:
            seen.append(Seen(truth, found))
    if not seen:
        raise FolderError(f"No face was found in any photo of {folder}.")
    return seen


def projections(seen: list[Seen]) -> str:
    """Mean distance, vertex by vertex, of the visible face after the best similarity."""
    rows = ["| projection | camera | true depth | predicted depth |", "|---|---|---:|---:|"]
    for projection in _PROJECTIONS:
        for camera in ("80 cm", "given")[: 1 if projection == "RELIEF" else 2]:
            means = [
                np.mean([_visible_error(each.truth, found, projection, camera == "given")
                         for each, found in ((one, getattr(one, name)) for one in seen)])
                for name in ("with_true_depth", "found")
            ]
            title = projection.replace("_", " ").lower()
            known = "none" if projection == "RELIEF" else camera
            rows.append(f"| {title} | {known} | {means[0]:.2f} mm | {means[1]:.2f} mm |")
    return "\n".join(rows)


def _viewpoint(truth: Truth, found: Reconstruction, given: bool) -> Viewpoint:
    viewpoint = photo_viewpoint(found)
    if not given:
        return viewpoint
    return replace(viewpoint, distance=truth.focal_px * found.metres_per_pixel)


def _visible_error(
    truth: Truth, found: Reconstruction, projection: str, given: bool
) -> float:
    viewpoint = _viewpoint(truth, found, given)
    surface = build_surface(found, _LAYOUT, Shape(projection), viewpoint)
    mine, theirs = _pairs(truth, found, surface.positions, surface.plane)
    rotation, scale, shift = similarity(mine, theirs, np.ones(len(mine)))
    return float(np.linalg.norm(scale * mine @ rotation.T + shift - theirs, axis=1).mean())


def _pairs(
    truth: Truth, found: Reconstruction, positions: np.ndarray, plane: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices on the face, and the points of the scan that the same pixels show: (n, 3) each."""
    pixels = transform_points(found.crop.to_photo(1), _places(found, plane))
    column, row = np.clip(pixels.astype(int), 0, np.array(truth.face.shape[::-1]) - 1).T
    on_face = (truth.face & _faces_camera(truth))[row, column]
    distance = truth.distance[row, column][on_face].astype(float)
    theirs = unproject(pixels[on_face], distance, truth.focal_px, truth.principal_px)
    return positions[on_face].astype(float) @ _TO_SCAN.T, theirs


def _places(found: Reconstruction, plane: np.ndarray) -> np.ndarray:
    """Where vertices lie in the crop, in its sides: (n, 2)."""
    side = found.crop.side * found.metres_per_pixel
    return plane * np.array((1.0, -1.0)) / side + found.origin[:2]


def _faces_camera(truth: Truth) -> np.ndarray:
    pitch = np.nanmedian(truth.distance[truth.face]) / truth.focal_px
    down, across = np.gradient(truth.distance / pitch)
    return np.hypot(down, across) < np.sqrt(LEAST_FACING**-2 - 1.0)


def detail(seen: list[Seen]) -> str:
    """Mean angle between normals, pixel by pixel and without any blur."""
    plain, fine = [], []
    for each in seen:
        found = each.found
        true = each.with_true_depth.depth
        added = cv2.resize(shading_relief(found, 1024), (found.size, found.size),
                           interpolation=cv2.INTER_AREA)
        face = cut(each.truth.face.astype(np.float32), found.crop, found.size) > 0.99
        per_pixel = found.crop.side / found.size
        for depth, angles in ((found.depth, plain), (found.depth + added, fine)):
            angles.append(_angle(depth, true, per_pixel)[face].mean())
    return "\n".join([
        "| normals | degrees |", "|---|---:|",
        f"| without detail | {np.mean(plain):.2f} |",
        f"| with shading detail | {np.mean(fine):.2f} |",
    ])


def _angle(one: np.ndarray, other: np.ndarray, per_pixel: float) -> np.ndarray:
    normals = []
    for depth in (one, other):
        down, across = np.gradient(depth / np.float32(per_pixel))
        normal = np.stack([-across, -down, np.ones_like(down)], axis=-1)
        normals.append(normal / np.linalg.norm(normal, axis=-1, keepdims=True))
    return np.degrees(np.arccos(np.clip((normals[0] * normals[1]).sum(axis=-1), -1.0, 1.0)))


def completion(seen: list[Seen]) -> str:
    """Distance of the scan's hidden side of turned faces from the completed mesh."""
    views = split_yaw({each.truth.name: each for each in seen})
    rows = ["| completed from | photos | median | mean | 90th percentile |",
            "|---|---:|---:|---:|---:|"]
    sources = (
        ("true depth, perspective, camera given", "with_true_depth", "PERSPECTIVE", True),
        ("predicted depth, relief", "found", "RELIEF", False),
        ("predicted depth, perspective at 80 cm", "found", "PERSPECTIVE", False),
    )
    # Each turned photo with the way to it from the one that shows its hidden side.
    turned = [
        (way[-1], _hidden_side([each.truth for each in way]))
        for light in views.values() if {-_TURNED, _TURNED} <= set(light)
        for way in (_way(light, _TURNED), _way(light, -_TURNED))
    ]
    if not turned:
        return f"There are no photos turned by {_TURNED} degrees to both sides."
    for title, name, projection, given in sources:
        errors = []
        for each, points in turned:
            # The landmarks are a network's, which may not fit the true depth well enough.
            with suppress(MeshError):
                errors.append(
                    _completed_error(each.truth, getattr(each, name), projection, given, points)
                )
        if not errors:
            continue
        median, mean, worst = np.mean(
            [(np.median(error), error.mean(), np.quantile(error, 0.9)) for error in errors], axis=0
        )
        figures = " | ".join(f"{value:.2f} mm" for value in (median, mean, worst))
        rows.append(f"| {title} | {len(errors)} | {figures} |")
    return "\n".join(rows)


def split_yaw(named: dict[str, _T]) -> dict[str, dict[int, _T]]:
    """What is named as NAME_y+40 by the name, and by the yaw; the rest is left out."""
    views: dict[str, dict[int, _T]] = {}
    for full, each in named.items():
        name, mark, yaw = full.rpartition("_y")
        if mark and yaw.lstrip("+-").isdecimal():
            views.setdefault(name, {})[int(yaw)] = each
    return views


def _way(light: dict[int, Seen], goal: int) -> list[Seen]:
    """The photos from one turned the other way to one of that yaw, through those between."""
    yaws = sorted((yaw for yaw in light if abs(yaw) <= _TURNED), reverse=goal < 0)
    return [light[yaw] for yaw in yaws]


def _completed_error(
    truth: Truth, found: Reconstruction, projection: str, given: bool, hidden: np.ndarray
) -> np.ndarray:
    """How far points of the scan lie from the completed mesh: (n,)."""
    viewpoint = _viewpoint(truth, found, given)
    surface = build_surface(found, _LAYOUT, Shape(projection), viewpoint)
    mine, theirs = _pairs(truth, found, surface.positions, surface.plane)
    rotation, scale, shift = similarity(mine, theirs, np.ones(len(mine)))
    head = completed_head(found, surface, projection, viewpoint)
    placed = scale * (head.positions.astype(float) @ _TO_SCAN.T) @ rotation.T + shift
    return cKDTree(_dense(placed, head.faces)).query(hidden)[0]


def completed_head(
    found: Reconstruction, surface: SurfaceMesh, projection: str, viewpoint: Viewpoint
) -> CompletedHead:
    """What Complete Head makes of a mesh of a photo.

    Raises
    ------
    MeshError
        Too little of the face is seen on both sides.
    """
    places = _places(found, surface.plane)
    positions = surface.positions.astype(float)
    # As the operator does: a body is not symmetric to the head's plane.
    in_head = region_mask(found.subject, found.landmarks, "HEAD")
    column, row = np.clip((places * found.size).astype(int), 0, found.size - 1).T
    quads = surface.corner_verts.reshape(-1, 4)
    return complete_head(
        positions, quads[in_head[row, column][quads].all(axis=1)], surface.colours[:, :3],
        surface.corner_uvs[_first_corners(surface)], landmarks_on(found, surface),
        np.array(viewpoint.place) if projection == "PERSPECTIVE" else None,
    )


def landmarks_on(found: Reconstruction, surface: SurfaceMesh) -> np.ndarray:
    """Where the landmarks lie on a mesh of a photo, in its frame: (468, 3) float64."""
    at = nearest(_places(found, surface.plane), found.landmarks[:, :2])
    return surface.positions[at].astype(float)


def _first_corners(surface) -> np.ndarray:
    """A corner of each vertex."""
    return np.unique(surface.corner_verts, return_index=True)[1]


def _dense(points: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Points all over quads, nine in each."""
    at = (np.arange(3) + 0.5) / 3
    u, v = (values.ravel() for values in np.meshgrid(at, at))
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
    return np.concatenate([points, np.einsum("wc,qcd->qwd", weights, points[quads]).reshape(-1, 3)])


def _hidden_side(way: list[Truth]) -> np.ndarray:
    """The part of the face that the first photo shows and the last hides, as that sees it: (n, 3).

    Those between lead from the one to the other, as two so far apart have little in common.
    """
    theirs, truth = scan(way[0]), way[-1]
    points, normals = theirs.points, theirs.normals
    for source, goal in pairwise(way):
        rotation, shift = between(source, goal)
        points, normals = points @ rotation.T + shift, normals @ rotation.T
    pixels = points[:, :2] / points[:, 2:] * truth.focal_px + np.array(truth.principal_px)
    column, row = np.clip(pixels.astype(int), 0, np.array(truth.face.shape[::-1]) - 1).T
    front = truth.distance[row, column]
    seen_here = np.isfinite(front) & (points[:, 2] < front + _BEHIND)
    seen_here &= facing(_Surface(points, normals)) > LEAST_FACING
    seen_there = facing(theirs) > LEAST_FACING
    return points[seen_there & ~seen_here]


def scan(truth: Truth) -> _Surface:
    """The scan's face as one photo shows it."""
    row, column = np.nonzero(truth.face)
    pixels = np.column_stack([column, row]) + 0.5
    points = unproject(
        pixels, truth.distance[row, column].astype(float), truth.focal_px, truth.principal_px
    )
    number = np.full(truth.face.shape, -1)
    number[row, column] = np.arange(len(row))
    quads = np.stack(
        [number[1:, :-1], number[1:, 1:], number[:-1, 1:], number[:-1, :-1]], axis=-1
    ).reshape(-1, 4)
    return _Surface(points, vertex_normals(points, quads[(quads >= 0).all(axis=1)]))


def facing(surface: _Surface) -> np.ndarray:
    """Cosines of the normals to the lines of sight, whichever way the normals point: (n,)."""
    sight = surface.points / np.linalg.norm(surface.points, axis=1, keepdims=True)
    return np.abs((surface.normals * sight).sum(axis=1))


def between(source: Truth, goal: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and shift from one photo's frame to another's of the same scan.

    From the landmarks that both know, then by ICP, point to plane, on the better part of the pairs.
    """
    both, at, there = np.intersect1d(source.landmarks, goal.landmarks, return_indices=True)
    rotation, *_ = similarity(
        source.landmark_points[at], goal.landmark_points[there], np.ones(len(both))
    )
    shift = (goal.landmark_points[there] - source.landmark_points[at] @ rotation.T).mean(axis=0)
    start, end = scan(source), scan(goal)
    tree = cKDTree(end.points)
    for _ in range(_ROUNDS):
        moved = start.points @ rotation.T + shift
        gap, index = tree.query(moved)
        near = gap < np.quantile(gap, _PAIRS)
        point, normal = moved[near], end.normals[index[near]]
        misses = ((end.points[index[near]] - point) * normal).sum(axis=1)
        rows = np.column_stack([np.cross(point - shift, normal), normal])
        step = np.linalg.lstsq(rows, misses, rcond=None)[0]
        turn, _ = cv2.Rodrigues(step[:3])
        rotation, shift = turn @ rotation, shift + step[3:]
    return rotation, shift
