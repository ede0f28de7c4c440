# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the head that is wrapped onto photos, ``face_depth_addon/data/template``, from ICT-FaceKit.

    python scripts/make_template.py --sources SOURCES

SOURCES is the folder that ``dataset.py`` renders people from. Some people are rendered, with their
mouths shut or a little open, and the landmark network looks at them; the median of where a landmark
falls on the mesh, on both sides alike, becomes its place on the template. Takes minutes.
"""

from __future__ import annotations  # see _environment.py

import argparse
import dataclasses
import os
import shutil
import sys
from pathlib import Path

import _environment

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "face_depth_addon" / "data" / "template"

MODES = 60
STEP = 2e-5  # metres
# ICT-FaceKit's vertices that are kept, in its own order: the skin, and each eyeball's outside.
SKIN_END = 14062
EYES = ((21451, 22221), (23021, 23791))
# Each part is symmetric to another one.
PARTS = ((0, 9409), (9409, 11248), (11248, 13294), (13294, 13678), (13678, SKIN_END), *EYES)
PARTNERS = (0, 1, 2, 4, 3, 6, 5)
OUTER_END = 11248  # of the vertices that can be seen when the mouth is shut
# Materials and the tile of the texture plane that each is moved to; ICT's own are in the first two.
MATERIALS = (("M_Face", 0), ("M_BackHead", 0), ("M_ScleraLeft", 2), ("M_ScleraRight", 3))
UNUSED_EXPRESSIONS = ("PupilDilate_L", "PupilDilate_R")

PEOPLE, YAWS, SIZE, SEED = 16, (-15.0, 0.0, 15.0), 320, 5
# Of MediaPipe's landmarks those of the lips, which only an open mouth tells apart, and how far
# every other person opens it.
LIPS = (
    0, 11, 12, 13, 14, 15, 16, 17, 37, 38, 39, 40, 41, 42, 61, 62, 72, 73, 74, 76, 77, 78, 80, 81,
    82, 84, 85, 86, 87, 88, 89, 90, 91, 95, 96, 146, 178, 179, 180, 181, 183, 184, 185, 191, 267,
    268, 269, 270, 271, 272, 291, 292, 302, 303, 304, 306, 307, 308, 310, 311, 312, 314, 315, 316,
    317, 318, 319, 320, 321, 324, 325, 375, 402, 403, 404, 405, 407, 408, 409, 415,
)
OPEN = {"jawOpen": 0.3, "mouthLowerDown": 0.3, "mouthUpperUp": 0.2}
# Rays that tell how deep in a hollow a vertex lies, where they start and how far they go, in
# millimetres.
RAYS, LIFT, HOLLOW = 64, 0.05, 20.0
SPLITS = 6  # of a triangle's sides, where a landmark's place is looked for
HIDDEN_BEHIND = 6.0  # millimetres
# Cosine between a surface and the camera below which, and pixels beside it beyond which, a
# landmark's place on the surface is not trusted.
LEAST_FACING, FARTHEST = 0.4, 1.0


def main() -> int:
    """Write the template and its licence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    _environment.ensure(dataset=True)
    import numpy as np
    from heads import sources
    from heads.ict_model import IctModel

    try:
        found = sources.find(options.sources)
        model = IctModel(found.ict_facekit)
    except sources.SourceError as error:
        print(error, file=sys.stderr)
        return 1
    landmarks = place_landmarks(found, model)
    TEMPLATE.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TEMPLATE / "head.npz", **pack(found.ict_facekit, model), **landmarks)
    shutil.copy(found.ict_facekit.with_name("LICENSE"), TEMPLATE / "LICENSE")
    size = (TEMPLATE / "head.npz").stat().st_size
    print(f"{TEMPLATE / 'head.npz'}: {size / 1e6:.1f} MB")
    return 0


def pack(path: Path, model) -> dict:
    """All of the template but the landmarks, with the vertices numbered anew, in metres."""
    import numpy as np

    kept = np.concatenate([np.arange(SKIN_END), *(np.arange(*eye) for eye in EYES)])
    number = np.full(len(model.neutral) + 1, -1, np.int16)
    number[kept] = np.arange(len(kept))
    with np.load(path) as stored:
        uv, face_uvs = stored["uv"], stored["face_uvs"]
    corners, corner_uvs, materials = [], [], []
    for material, (name, tile) in enumerate(MATERIALS):
        chosen = model.material_faces(name)
        corners.append(number[model.faces[chosen]])
        # A triangle's last corner is none, and its UV does not count.
        corner_uvs.append(uv[np.maximum(face_uvs[chosen], 0)] + (tile, 0))
        materials.append(np.full(len(chosen), material, np.uint8))
    eyes = [model.neutral[slice(*eye)] for eye in EYES]
    origin = np.mean([(eye.min(axis=0) + eye.max(axis=0)) / 2 for eye in eyes], axis=0)
    names = model.expression_names
    used = [index for index, name in enumerate(names) if name not in UNUSED_EXPRESSIONS]
    places, indices = np.unique(
        np.concatenate(corner_uvs).reshape(-1, 2), axis=0, return_inverse=True
    )
    faces = np.concatenate(corners)
    return {
        "vertices": ((model.neutral[kept] - origin) / 1000.0).astype(np.float32),
        "openness": openness(model.neutral[kept], faces), "faces": faces,
        "materials": np.concatenate(materials),
        "uvs": places.astype(np.float32), "face_uvs": indices.reshape(-1, 4).astype(np.uint16),
        "mirror": number[mirrored(model.neutral)[kept]].astype(np.uint16),
        "landmarks": number[model.landmarks68].astype(np.uint16), "step": STEP,
        "identity": steps(model.identity[:MODES], kept),
        "expression": steps(model.expression[used], kept),
        "expression_names": np.array([names[index] for index in used]),
    }


def openness(vertices, faces):
    """The share of rays from each vertex that leave the hollow it lies in, uint8 (n,) to 255."""
    import numpy as np
    from heads.meshes import triangulate
    from heads.registration import vertex_normals
    from mathutils import Vector
    from mathutils.bvhtree import BVHTree

    rng = np.random.default_rng(SEED)
    ways = rng.normal(size=(RAYS, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    triangles = triangulate(faces)
    tree = BVHTree.FromPolygons(vertices.tolist(), triangles.tolist(), all_triangles=True)
    shares = np.zeros(len(vertices))
    for index, normal in enumerate(vertex_normals(vertices, triangles)[:OUTER_END]):
        start = Vector(vertices[index] + LIFT * normal)
        # By the cosine to the normal, as light from all around would fall.
        rays = normal + ways
        hits = [tree.ray_cast(start, Vector(ray), HOLLOW)[0] for ray in rays]
        shares[index] = np.mean([hit is None for hit in hits])
    return np.rint(255 * shares).astype(np.uint8)


def steps(modes, kept):
    """Modes (K, V * 3) in millimetres as whole steps, int16 (K, 3, n)."""
    import numpy as np

    moved = modes.reshape(len(modes), -1, 3)[:, kept].transpose(0, 2, 1)
    return np.ascontiguousarray(np.rint(moved / (1000.0 * STEP)).astype(np.int16))


def mirrored(neutral):
    """The vertex on the other side of each that is kept, int (V,); -1 for others."""
    import numpy as np
    from scipy.spatial import cKDTree

    result = np.full(len(neutral), -1)
    for (start, end), partner in zip(PARTS, PARTNERS, strict=True):
        first, last = PARTS[partner]
        tree = cKDTree(neutral[first:last])
        result[start:end] = first + tree.query(neutral[start:end] * (-1, 1, 1))[1]
    return result


def place_landmarks(found, model):
    """MediaPipe's 468 points on the head: vertices, barycentric weights, scatter in metres."""
    import numpy as np
    from heads.meshes import triangulate
    from heads.registration import closest_points

    from face_depth_addon.core.head.symmetry import PARTNER

    outer = model.faces[model.skin_faces]
    triangles = triangulate(outer[(outer < OUTER_END).all(axis=1)])
    seen, trusted = [], []
    for corners, weights, is_trusted in look_at_people(found, model, triangles):
        places = np.einsum("nk,nkc->nc", weights, model.neutral[corners])
        seen += [places, places[PARTNER] * (-1, 1, 1)]
        trusted += [is_trusted, is_trusted[PARTNER]]
    seen, trusted = np.array(seen), np.array(trusted)
    # What nobody shows well, such as a nostril's inside, is taken from where it seems to be.
    seen[~trusted & (trusted.sum(axis=0) > 1)] = np.nan
    middle = np.nanmedian(seen, axis=0)
    scatter = np.nanmedian(np.linalg.norm(seen - middle, axis=2), axis=0)
    print(f"Landmarks scatter by {scatter.mean():.2f} mm, the worst by {scatter.max():.2f} mm.")
    placed = closest_points(middle, model.neutral, triangles)
    return {
        "mediapipe": placed.corners.astype(np.uint16),
        "mediapipe_weights": placed.weights.astype(np.float32),
        "mediapipe_scatter": (scatter / 1000.0).astype(np.float32),
    }


def look_at_people(found, model, triangles):
    """Yield, for each person, where the network sees the landmarks on the mesh.

    Those are vertices (468, 3), barycentric weights (468, 3), and whether the place is seen well
    enough to be trusted, (468,).
    """
    import numpy as np
    from heads import camera, lighting, parameters, registration, scene
    from heads.ict import IctBuilder

    from face_depth_addon.core.face.detection import FaceDetector
    from face_depth_addon.core.face.landmarks import LandmarkNet

    models = ROOT / "face_depth_addon" / "models"
    detector = FaceDetector(models / "mtcnn")
    network = LandmarkNet(models / "mediapipe" / "face_landmark.tflite")
    renderer = scene.Renderer(found, SIZE)
    faces = IctBuilder(renderer.base_mesh, found.ict_facekit).correspondence.skin_faces
    used = np.unique(faces[faces >= 0])
    of_head = used < len(model.neutral)
    drawn = (parameters.draw(SEED, index, parameters.MIX, found) for index in range(1000))
    people = (sample for sample in drawn if sample.person.kind == "ict")
    for number in range(PEOPLE):
        sample = next(people)
        is_open = number % 2 == 1
        expression = dataclasses.replace(
            sample.expression, units=OPEN if is_open else {}, gaze=(0.0, 0.0)
        )
        sample = dataclasses.replace(
            sample, expression=expression, neck=(0.0, 0.0, 0.0), glasses=None, hat=None,
            hands=None, camera=camera.fixed_view(YAWS[number % len(YAWS)]),
            light=dataclasses.replace(sample.light, kind="overcast"),
            hair=dataclasses.replace(sample.hair, style="bald"),
        )
        head, shapes = renderer.compose(sample)
        view = camera.place(sample.camera, SIZE)
        renderer.stage.clear()
        renderer.stage.add(shapes)
        renderer.stage.light(lighting.rig(sample.light, tuple(view.position)))
        renderer.stage.aim(view, SIZE, sample.camera)
        picture = np.clip(renderer.stage.film_colour(number)[..., :3], 0.0, 1.0)
        picture = np.rint(255.0 * picture ** (1 / 2.2)).astype(np.uint8)
        detections = detector.detect(picture)
        if not detections:
            print(f"No face seen on person {number}.")
            continue
        face = network.locate(picture, detections[0])
        vertices = np.full_like(model.neutral, np.nan)
        vertices[used[of_head]] = head.skin.vertices[of_head]
        projected = view.project(vertices)
        corners, weights = visible_places(projected, triangles, face.landmarks[:, :2])
        facing = registration.triangle_normals(vertices, corners) @ -view.rotation[2]
        places = np.einsum("nk,nkc->nc", weights, projected[corners])[:, :2]
        missed = np.linalg.norm(places - face.landmarks[:, :2], axis=1)
        told_apart = np.isin(np.arange(len(missed)), LIPS) == is_open
        yield corners, weights, told_apart & (facing > LEAST_FACING) & (missed < FARTHEST)


def visible_places(projected, triangles, landmarks):
    """The nearest visible place on the mesh to each landmark in the picture.

    Parameters
    ----------
    projected
        Pixels and depth in millimetres of the vertices, (V, 3); NaN for those that are not there.
    triangles
        (T, 3).
    landmarks
        (468, 2).
    """
    import numpy as np
    from scipy.spatial import cKDTree

    whole = triangles[np.isfinite(projected[triangles]).all(axis=(1, 2))]
    first, second, third = np.moveaxis(projected[whole, :2], 1, 0)
    across, down = second - first, third - first
    # Seen from outside their corners run anticlockwise, in a picture whose y goes down.
    whole = whole[across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] < 0]
    places = [(i, j, SPLITS - i - j) for i in range(SPLITS + 1) for j in range(SPLITS + 1 - i)]
    places = np.array(places) / SPLITS
    points = np.einsum("pk,tkc->tpc", places, projected[whole]).reshape(-1, 3)
    pixel = np.floor(points[:, :2]).astype(int)
    keys = (pixel[:, 1] - pixel[:, 1].min()) * 100000 + pixel[:, 0] - pixel[:, 0].min()
    _, keys = np.unique(keys, return_inverse=True)
    nearest = np.full(keys.max() + 1, np.inf)
    np.minimum.at(nearest, keys, points[:, 2])
    seen = np.flatnonzero(points[:, 2] < nearest[keys] + HIDDEN_BEHIND)
    _, found = cKDTree(points[seen, :2]).query(landmarks)
    triangle, place = np.divmod(seen[found], len(places))
    return whole[triangle], places[place]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    code = main()
    sys.stdout.flush()
    # Blender's Python package may hang when it is unloaded.
    os._exit(code)
