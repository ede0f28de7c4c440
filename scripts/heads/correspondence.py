# SPDX-License-Identifier: GPL-3.0-or-later
"""How the MPFB base mesh lies on the ICT-FaceKit head: computed once, then applied to any shape.

The base mesh in a young adult shape is warped onto the neutral ICT head by landmark pairs
(``data/ict_pairs.npz``: points of MediaPipe's face mesh found in renders of both heads, points
picked on the ears, and the edge loops of lids and lips matched along their length), then drawn to
the nearest surface in rounds of falling stiffness.  This gives each ICT vertex a place in the
MakeHuman texture layout, and each base vertex a place on the ICT head.
"""

import os
import zipfile
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags, identity
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from . import registration, seams
from .base_mesh import VERTEX_COUNT, BaseMesh
from .ict_model import EYE_SOCKETS_END, HEAD_END, MOUTH_SOCKET_END, IctModel
from .meshes import area_vectors, triangulate

_PAIRS = Path(__file__).parent / "data" / "ict_pairs.npz"
_VERSION = 2
# Heights above the eyes in millimetres.  Going down, the base leaves the ICT neck between the first
# two and is the body's own from the third; the displacement of its shoulders dies out at the last.
_NECK_TOP, _NECK_END, _BODY_TOP, _STILL = -125.0, -165.0, -175.0, -330.0
_FIT_DEPTH, _BUST_DEPTH = 230.0, 420.0
# Stiffness, weight of the landmarks seen or picked, and of the loops, in each round of the fit.
_ROUNDS = (
    (60.0, 10.0, 40.0), (30.0, 8.0, 40.0), (12.0, 6.0, 40.0), (5.0, 3.0, 40.0),
    (2.0, 1.0, 32.0), (1.0, 0.3, 24.0), (0.5, 0.1, 20.0), (0.3, 0.05, 16.0),
)  # fmt: skip
_EAR_STIFFNESS = 10.0
_FAR = 25.0  # what is further from the ICT head is not drawn to it
_SEAM_MARGIN = 3.0
# A texture triangle that is this much smaller or larger than most for its size is mistrusted.
_SQUEEZED, _TORN = 0.15, 6.0
_UNTANGLE_ROUNDS = 3
_UV_STIFFNESS = 0.05
_NEIGHBOURS = 6
_MARGIN_RING = 3  # edges from the eye socket's seam to the lid's outer edge
_BODY_SCALE = (0.9, 1.12)


@dataclass(frozen=True)
class Correspondence:
    """The map between both meshes, as plain arrays.

    Attributes
    ----------
    neutral
        float32 (19158, 3): the base mesh's shape before it was warped, in the head's frame.
    on_head
        Base vertices that follow the ICT head, int32 (N,).
    corners, weights, lift
        The ICT triangle of each, int32 (N, 3), the barycentric coordinates, float32 (N, 3), and
        the distance above it along its normal in millimetres, float32 (N,).
    neck
        Those of ``on_head`` that set the size and place of the body: indices into it, int32 (M,).
    others
        All other base vertices, int32 (P,).
    share_rows, share_columns, shares
        What share, float32 (S,), of the displacement of which of ``on_head`` each of ``others``
        takes on, int32 (S,) indices into both.
    skin_faces, skin_uv
        The skin of head, neck and shoulders, int32 (F, 4) and float32 (F, 4, 2): vertices below
        the ICT model's vertex count are its own, the others, less that count, the base mesh's.
    mouth_faces
        The ICT faces of the mouth's lining, int32 (G, 4).
    """

    neutral: np.ndarray
    on_head: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    lift: np.ndarray
    neck: np.ndarray
    others: np.ndarray
    share_rows: np.ndarray
    share_columns: np.ndarray
    shares: np.ndarray
    skin_faces: np.ndarray
    skin_uv: np.ndarray
    mouth_faces: np.ndarray

    @cached_property
    def _spread(self) -> csr_matrix:
        shape = (len(self.others), len(self.on_head))
        return csr_matrix((self.shares, (self.share_rows, self.share_columns)), shape)

    def base(self, head: np.ndarray) -> np.ndarray:
        """Return the base mesh, float32 (19158, 3), on ICT vertices (V, 3) in the head's frame."""
        placed = np.einsum("nk,nkc->nc", self.weights, head[self.corners])
        placed += self.lift[:, None] * registration.triangle_normals(head, self.corners)
        base = self._body(placed[self.neck]).astype(np.float32)
        moved = placed - base[self.on_head]
        base[self.on_head] = placed
        base[self.others] += self._spread @ moved
        return base

    def _body(self, neck: np.ndarray) -> np.ndarray:
        """The shape before the warp, (19158, 3), scaled and moved to fit the neck (M, 3)."""
        rest = self.neutral[self.on_head[self.neck]]
        rest_centre, centre = rest.mean(axis=0), neck.mean(axis=0)
        girth = np.linalg.norm((neck - centre)[:, :2])
        scale = girth / np.linalg.norm((rest - rest_centre)[:, :2])
        return (self.neutral - rest_centre) * np.clip(scale, *_BODY_SCALE) + centre

    def save(self, path: Path) -> None:
        """Write to an ``.npz`` file, whole or not at all."""
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        with open(partial, "wb") as file:
            np.savez(file, version=_VERSION, **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Correspondence | None":
        """Return what ``save`` wrote; None where there is nothing whole of this version."""
        try:
            with np.load(path) as stored:
                if int(stored["version"]) != _VERSION:
                    return None
                return cls(**{field.name: stored[field.name] for field in fields(cls)})
        except (FileNotFoundError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
            return None


def young_adult(base_mesh: BaseMesh) -> np.ndarray:
    """Return the base mesh between a young man and a young woman, in the head's frame."""
    weights = {}
    for sex in ("male", "female"):
        weights[f"macrodetails/caucasian-{sex}-young"] = 0.5
        weights[f"macrodetails/universal-{sex}-young-averagemuscle-averageweight"] = 0.5
    shape = base_mesh.shape(weights)
    eyes = [shape[base_mesh.group_vertices(f"helper-{side}-eye")] for side in "lr"]
    centres = [(eye.max(axis=0) + eye.min(axis=0)) / 2 for eye in eyes]
    return shape - (centres[0] + centres[1]) / 2


def compute(base_mesh: BaseMesh, model: IctModel, head: np.ndarray) -> Correspondence:
    """Fit the base mesh to the neutral ICT head; takes a few seconds.

    Parameters
    ----------
    head
        The model's neutral vertices in the head's frame, float32 (V, 3).
    """
    skin = base_mesh.skin_faces
    neutral = young_adult(base_mesh).astype(float)
    charts = seams.Charts(base_mesh.mesh.faces[skin], base_mesh.mesh.uv[skin], neutral)
    head = head.astype(float)
    warped = _fit(neutral, charts, model, head)
    binding = _bind(neutral, warped, base_mesh, charts, model, head)
    skin_faces, skin_uv = _skin(warped, charts, model, head)
    return Correspondence(
        neutral=neutral.astype(np.float32),
        **binding,
        skin_faces=skin_faces,
        skin_uv=skin_uv,
        mouth_faces=_lining(model),
    )


def _fit(
    neutral: np.ndarray, charts: seams.Charts, model: IctModel, head: np.ndarray
) -> np.ndarray:
    """The base mesh's vertices with head and neck laid on the ICT head."""
    faces = charts.faces[neutral[charts.faces, 2].max(axis=1) > -_FIT_DEPTH]
    used, triangles = np.unique(triangulate(faces), return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    rest = neutral[used]
    pairs = _Pairs(used, head)
    target = triangulate(_outer_faces(model))
    rim = _rim(target, len(head))
    inner = np.isin(used, charts.faces[charts.sockets | charts.mouth])
    below, middle = rest[:, 2] < _BODY_TOP, abs(rest[:, 0]) < 0.01
    hold = np.clip((rest[:, 2] - _NECK_END) / (_NECK_TOP - _NECK_END), 0.0, 1.0)
    body = rest + _neck_shift(rest, head)
    stiff = diags(np.sqrt(np.where(_near_ear(rest), _EAR_STIFFNESS, 1.0)))
    operator = stiff @ registration.laplacian(triangles, len(used))
    shape = registration.warp(rest, pairs.matrix @ rest, pairs.targets)
    for stiffness, loose, firm in _ROUNDS:
        normals = registration.vertex_normals(shape, triangles)
        nearest = registration.closest_points(shape, head, target, normals)
        goal = nearest.on(head)
        facing = registration.triangle_normals(head, target)[nearest.triangles]
        pulled = (np.einsum("nd,nd->n", normals, facing) > 0.5) & ~inner
        pulled &= np.linalg.norm(goal - shape, axis=1) < _FAR
        pulled &= ~rim[nearest.corners].any(axis=1)
        goal[middle, 0] = 0.0
        goal[below] = body[below]
        weights = np.sqrt(np.where(pairs.firm, firm, loose))
        shape = registration.settle(
            shape,
            np.sqrt(stiffness) * operator,
            np.where(below, 1.0, hold * pulled),
            goal,
            diags(weights) @ pairs.matrix,
            weights[:, None] * pairs.targets,
        )
        shape[middle, 0] = 0.0
    warped = neutral.copy()
    warped[used] = shape
    return warped


class _Pairs:
    """The landmark pairs: a matrix that takes the used base vertices to them, and their targets."""

    def __init__(self, used: np.ndarray, head: np.ndarray) -> None:
        with np.load(_PAIRS) as stored:
            base, weights = stored["base"].astype(int), stored["base_weights"].astype(float)
            ict, ict_weights = stored["ict"].astype(int), stored["ict_weights"].astype(float)
            self.firm = stored["firm"]
        rows = np.repeat(np.arange(len(base)), 3)
        entries = (weights.ravel(), (rows, np.searchsorted(used, base).ravel()))
        self.matrix = coo_matrix(entries, (len(base), len(used))).tocsr()
        self.targets = np.einsum("nk,nkc->nc", ict_weights, head[ict])


def _rim(triangles: np.ndarray, count: int) -> np.ndarray:
    """Which of ``count`` vertices lie on an open edge of the triangles."""
    quads = np.column_stack([triangles, np.full(len(triangles), -1)])
    rim = np.zeros(count, bool)
    rim[np.unique(seams.open_edges(quads))] = True
    return rim


def _near_ear(rest: np.ndarray) -> np.ndarray:
    x, y, z = abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    return (x > 62) & (y > 58) & (y < 95) & (z > -50) & (z < 15)


def _neck_shift(rest: np.ndarray, head: np.ndarray) -> np.ndarray:
    """How far the ICT neck lies behind the base's, (3,)."""
    height = (_NECK_TOP + _NECK_END) / 2
    cuts = [
        points[(abs(points[:, 2] - height) < 8) & (abs(points[:, 0]) < 90), 1]
        for points in (rest, head[:HEAD_END])
    ]
    base, ict = ((cut.min() + cut.max()) / 2 for cut in cuts)
    return np.array([0.0, ict - base, 0.0])


def _bind(
    neutral: np.ndarray,
    warped: np.ndarray,
    base_mesh: BaseMesh,
    charts: seams.Charts,
    model: IctModel,
    head: np.ndarray,
) -> dict[str, np.ndarray]:
    """The fields of a correspondence that place base vertices."""
    skin = np.unique(charts.faces)
    torso = np.setdiff1d(charts.faces[charts.torso], charts.faces[charts.head])
    low = np.zeros(len(neutral), bool)
    low[torso] = neutral[torso, 2] < _NECK_END
    far = neutral[:, 2] < -_FIT_DEPTH
    on_head = skin[~low[skin] & ~far[skin]]
    normals = registration.vertex_normals(warped, triangulate(charts.faces))
    triangles = triangulate(model.faces[model.skin_faces])
    bound = registration.closest_points(warped[on_head], head, triangles, normals[on_head])
    outward = registration.triangle_normals(head, bound.corners)
    lift = np.einsum("nd,nd->n", warped[on_head] - bound.on(head), outward)
    height = neutral[on_head, 2]
    neck = np.isin(on_head, torso) & (height < _NECK_TOP)
    others, shares = _follow(neutral, base_mesh, charts, on_head)
    return {
        "on_head": on_head.astype(np.int32),
        "corners": bound.corners.astype(np.int32),
        "weights": bound.weights.astype(np.float32),
        "lift": lift.astype(np.float32),
        "neck": np.flatnonzero(neck).astype(np.int32),
        "others": others.astype(np.int32),
        "share_rows": shares.row.astype(np.int32),
        "share_columns": shares.col.astype(np.int32),
        "shares": shares.data.astype(np.float32),
    }


def _follow(
    neutral: np.ndarray, base_mesh: BaseMesh, charts: seams.Charts, on_head: np.ndarray
) -> tuple[np.ndarray, coo_matrix]:
    """The vertices off the head, and how the displacement of those on it spreads to them."""
    skin = np.unique(charts.faces)
    on_skin = _shoulders(neutral, charts, skin, on_head)
    others = np.setdiff1d(np.arange(VERTEX_COUNT), on_head)
    tree = cKDTree(neutral[skin])
    distance, near = tree.query(neutral[others], k=_NEIGHBOURS)
    for lashes, lid in _lashes(neutral, base_mesh, charts, others, skin):
        distance[lashes], found = cKDTree(neutral[skin[lid]]).query(
            neutral[others[lashes]], k=_NEIGHBOURS
        )
        near[lashes] = lid[found]
    weights = 1.0 / (distance + 1.0) ** 2
    own = np.isin(others, skin)
    weights[own, 0], weights[own, 1:] = 1.0, 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(others)), _NEIGHBOURS)
    nearby = coo_matrix((weights.ravel(), (rows, near.ravel())), (len(others), len(skin)))
    shares = (nearby.tocsr() @ on_skin).tocoo()
    kept = abs(shares.data) > 1e-3
    entries = (shares.data[kept], (shares.row[kept], shares.col[kept]))
    return others, coo_matrix(entries, shares.shape)


def _shoulders(
    neutral: np.ndarray, charts: seams.Charts, skin: np.ndarray, on_head: np.ndarray
) -> csr_matrix:
    """The spread to all of the skin: as smooth as can be down to where the body keeps still."""
    triangles = np.searchsorted(skin, triangulate(charts.faces))
    operator = registration.laplacian(triangles, len(skin))
    stiffness = (operator.T @ operator).tocsr()
    given = np.flatnonzero(np.isin(skin, on_head))
    free = np.flatnonzero(~np.isin(skin, on_head) & (neutral[skin, 2] > _STILL))
    system = (stiffness[free][:, free] + 1e-6 * identity(len(free))).tocsc()
    coupled = stiffness[free][:, given]
    touched = np.unique(coupled.indices)
    spread = splu(system).solve(-coupled[:, touched].toarray())
    rows, columns = np.repeat(free, len(touched)), np.tile(touched, len(free))
    data = np.r_[np.ones(len(given)), spread.ravel()]
    rows, columns = np.r_[given, rows], np.r_[np.arange(len(given)), columns]
    return csr_matrix((data, (rows, columns)), (len(skin), len(given)))


def _lashes(
    neutral: np.ndarray,
    base_mesh: BaseMesh,
    charts: seams.Charts,
    others: np.ndarray,
    skin: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The lashes of each lid (indices into ``others``) and its margin (indices into ``skin``)."""
    seam = np.intersect1d(charts.faces[charts.head], charts.faces[charts.sockets])
    margin = seams.ring(charts.faces[charts.head], seam, _MARGIN_RING)
    pairs = []
    for name in np.unique(base_mesh.mesh.groups):
        if "eyelashes" not in name:
            continue
        lashes = base_mesh.group_vertices(str(name))
        ring = margin[neutral[margin, 0] * neutral[lashes[0], 0] > 0]
        middle = neutral[ring, 2].mean()
        upper = neutral[lashes, 2].mean() > middle
        lid = ring[(neutral[ring, 2] > middle) == upper]
        pairs.append((np.searchsorted(others, lashes), np.searchsorted(skin, lid)))
    return pairs


def _outer_faces(model: IctModel) -> np.ndarray:
    faces = model.faces[model.skin_faces]
    return faces[(faces < HEAD_END).all(axis=1)]


def _lining(model: IctModel) -> np.ndarray:
    faces = model.faces[model.skin_faces]
    return faces[((faces >= HEAD_END) & (faces < MOUTH_SOCKET_END)).any(axis=1)]


def _sockets(model: IctModel) -> np.ndarray:
    faces = model.faces[model.skin_faces]
    return faces[((faces >= MOUTH_SOCKET_END) & (faces < EYE_SOCKETS_END)).any(axis=1)]


def _project(
    faces: np.ndarray, warped: np.ndarray, charts: seams.Charts, mask: np.ndarray, head: np.ndarray
) -> np.ndarray:
    """UVs (F, 4, 2) of ICT faces from the nearest base faces among ``mask``, left and right apart.

    No face crosses the seam in the middle of the back this way: its vertices lie on it.
    """
    triangles, uv = charts.corner_uv(mask)
    used = np.unique(faces[faces >= 0])
    normals = registration.vertex_normals(head, triangulate(faces))
    corners = np.where(faces < 0, faces[:, :1], faces)
    left = head[corners, 0].mean(axis=1) > 0
    middle = warped[triangles, 0].mean(axis=1)
    result = np.zeros((*faces.shape, 2), np.float32)
    for side, sign in ((left, 1.0), (~left, -1.0)):
        near = middle * sign > -1e-3
        points = used[head[used, 0] * sign > -0.01]
        found = registration.closest_points(head[points], warped, triangles[near], normals[points])
        places = np.zeros((len(head), 2))
        places[points] = np.einsum("nk,nkc->nc", found.weights, uv[near][found.triangles])
        result[side] = _untangle(places, faces[side], head)[corners[side]]
    result[faces < 0] = 0.0
    return result


def _untangle(places: np.ndarray, faces: np.ndarray, head: np.ndarray) -> np.ndarray:
    """UVs (V, 2) with those at folded, squeezed or torn faces filled in from around them."""
    used, triangles = np.unique(triangulate(faces), return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    operator = registration.laplacian(triangles, len(used))
    uv = places[used]
    size = np.linalg.norm(area_vectors(head[used][triangles]), axis=-1)
    for _ in range(_UNTANGLE_ROUNDS):
        stretch = area_vectors(uv[triangles]) / np.maximum(size, 1e-6)
        typical = np.median(stretch)
        bad = (stretch / typical < _SQUEEZED) | (stretch / typical > _TORN)
        trusted = np.ones(len(used))
        trusted[triangles[bad]] = 1e-3
        system = _UV_STIFFNESS * (operator.T @ operator) + diags(trusted)
        uv = splu(system.tocsc()).solve(trusted[:, None] * uv)
    result = places.copy()
    result[used] = uv
    return result


def _skin(
    warped: np.ndarray, charts: seams.Charts, model: IctModel, head: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Faces and UVs of the ICT head down to the neckline, the base mesh below, and the joint."""
    outer, lining, sockets = _outer_faces(model), _lining(model), _sockets(model)
    kept = _above_neckline(outer, warped, charts, head)
    kept[kept] = seams.drop_pinches(np.concatenate([outer[kept], lining, sockets]))[: kept.sum()]
    outer = outer[kept]
    count = len(head)
    body = charts.torso & (warped[charts.faces, 2].max(axis=1) > -_BUST_DEPTH)
    outer_uv = _project(outer, warped, charts, charts.head, head)
    socket_uv = _project(sockets, warped, charts, charts.sockets, head)
    inner = np.concatenate([lining, sockets])
    joint, joint_uv = _joint(outer, outer_uv, inner, warped, charts, head)
    faces = np.concatenate([outer, sockets, joint, charts.faces[body] + count])
    uv = np.concatenate([outer_uv, socket_uv, joint_uv, charts.uv[body]])
    return faces.astype(np.int32), uv.astype(np.float32)


def _above_neckline(
    outer: np.ndarray, warped: np.ndarray, charts: seams.Charts, head: np.ndarray
) -> np.ndarray:
    """Which ICT faces lie wholly on the head's side of the base mesh's neck seam."""
    used = np.unique(outer[outer >= 0])
    normals = registration.vertex_normals(head, triangulate(outer))[used]
    mask = charts.head | charts.torso
    triangles, _ = charts.corner_uv(mask)
    found = registration.closest_points(head[used], warped, triangles, normals)
    above = np.tile(charts.head[mask], 2)[found.triangles]
    seam = warped[np.r_[charts.neckline, charts.neckline[:1]]]
    steps = np.linspace(0.0, 1.0, 8, endpoint=False)[:, None, None]
    dense = ((1 - steps) * seam[:-1] + steps * seam[1:]).reshape(-1, 3)
    above &= cKDTree(dense).query(head[used])[0] > _SEAM_MARGIN
    return np.isin(outer, np.r_[used[above], -1]).all(axis=1)


def _joint(
    skin: np.ndarray,
    skin_uv: np.ndarray,
    inner: np.ndarray,
    warped: np.ndarray,
    charts: seams.Charts,
    head: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The strip between the ICT skin's lower edge and the base mesh's neck seam: faces and UVs."""
    upper = max(seams.boundary_loops(np.concatenate([skin, inner])), key=len)
    upper, lower = _from_nape(upper, head), _from_nape(charts.neckline, warped)
    triangles = seams.stitch(head[upper], warped[lower])
    points = np.concatenate([head[upper], warped[lower]])[triangles]
    outward = np.einsum(
        "nd,nd->n",
        area_vectors(points),
        points.mean(axis=1) - points.mean(axis=(0, 1)),
    )
    if outward.sum() < 0:
        triangles, points = triangles[:, ::-1], points[:, ::-1]
    left = points[..., 0].mean(axis=1) > 0
    base_faces, base_uv = charts.faces[charts.head], charts.uv[charts.head]
    vertices = np.r_[upper, lower + len(head)]
    uv = np.zeros((len(triangles), 4, 2))
    for side in (True, False):
        places = np.zeros((len(vertices), 2))
        places[: len(upper)] = _uv_at(upper, skin, skin_uv, head, side)
        places[len(upper) :] = _uv_at(lower, base_faces, base_uv, warped, side)
        uv[left == side, :3] = places[triangles[left == side]]
    faces = np.column_stack([vertices[triangles], np.full(len(triangles), -1)])
    return faces, uv


def _from_nape(loop: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """A loop round the neck opened at the nape, (N + 1,), the left side first."""
    middle = np.flatnonzero(abs(vertices[loop, 0]) < 0.05)
    loop = np.roll(loop, -middle[vertices[loop[middle], 1].argmax()])
    if vertices[loop[: len(loop) // 2], 0].mean() < 0:
        loop = np.roll(loop[::-1], 1)
    return np.r_[loop, loop[:1]]


def _uv_at(
    loop: np.ndarray, faces: np.ndarray, uv: np.ndarray, vertices: np.ndarray, left: bool
) -> np.ndarray:
    """UVs (N, 2) of vertices as the faces of one side have them."""
    corners = np.where(faces < 0, faces[:, :1], faces)
    on_side = (vertices[corners, 0].mean(axis=1) > 0) == left
    places = np.zeros((len(vertices), 2))
    places[corners[on_side][:, ::-1]] = np.where(
        (faces[on_side] < 0)[..., None], uv[on_side][:, :1], uv[on_side]
    )[:, ::-1]
    return places[loop]
