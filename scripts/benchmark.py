# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure Face Depth: times, ratios, stalls and memory, as a Markdown table from one run.

    python scripts/benchmark.py
    python scripts/benchmark.py --quick --photo face.jpg --json benchmark.json

Each value is a median over repeats, with the least and the greatest. What is compared is run in
turns (A B C A B C), after a first round that does not count. The photo is scikit-image's
astronaut unless another is given.
"""

from __future__ import annotations  # see _environment.py

import argparse
import gc
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import _environment

ROOT = _environment.ROOT
_PACKAGES = ("bpy", "numpy", "torch", "transformers", "opencv-python", "pillow")
_HEAVY = ("torch", "transformers", "cv2")
_RESOLUTIONS = (512, 1024, 2048)
_TICK_SECONDS = 0.05  # of the operator's modal timer

_REGISTER = f"""
import gc, json, sys, time
import bpy
gc.collect()
sys.path.insert(0, {str(ROOT)!r})
begun = time.perf_counter()
import face_depth_addon
face_depth_addon.register()
seconds = time.perf_counter() - begun
print(json.dumps([seconds, [name for name in {_HEAVY!r} if name in sys.modules]]))
face_depth_addon.unregister()
"""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name : str
    values : list of float
        In ``unit``.
    unit : str
    base : Row or None
        What the median is divided by for the ratio.
    most : float or None
        The aim: what the ratio (with a base) or the median must not exceed.
    """

    name: str
    values: list[float]
    unit: str = "ms"
    base: Row | None = None
    most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        return self.median / self.base.median if self.base else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without an aim."""
        if self.most is None:
            return None
        return (self.median if self.base is None else self.ratio) <= self.most


@dataclass
class Section:
    """A heading with its rows and remarks."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Repeats:
    """How often each thing is measured."""

    cold: int = 5
    warm: int = 7
    mesh: dict[int, int] = field(default_factory=lambda: {512: 9, 1024: 5, 2048: 3})
    inference: int = 9
    stall: int = 5
    register: int = 7
    slider: int = 9


QUICK = Repeats(
    cold=2, warm=3, mesh={512: 3, 1024: 3, 2048: 1}, inference=3, stall=2, register=3,
    slider=3,
)


def main() -> int:
    options = _parser().parse_args()
    _environment.ensure(tests=options.photo is None)
    sys.path.insert(0, str(ROOT))
    repeats = QUICK if options.quick else Repeats()
    if options.child:
        json.dump(inference_times(options.photo, repeats.inference), sys.stdout)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        photo = options.photo or _astronaut(Path(folder))
        if not photo.is_file():
            print(f"There is no photo {photo}.", file=sys.stderr)
            return 2
        print(machine(photo), flush=True)
        sections = []
        from face_depth_addon.blender.shaping.mesh_settings import mesh_settings

        with mesh_settings():
            for section in run_sections(photo, repeats, options.quick):
                sections.append(section)
                print(markdown(section), flush=True)
        print(f"\nLoad average at the end: {_load()}.")
    if options.json:
        options.json.write_text(json.dumps(as_json(machine(photo), sections), indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure Face Depth on this machine.")
    parser.add_argument("--photo", type=Path, help="a photo with a face")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def _astronaut(folder: Path) -> Path:
    # scikit-image stays out of this process, whose memory is measured.
    path = folder / "astronaut.png"
    code = (
        "import sys, skimage.data, skimage.io;"
        "skimage.io.imsave(sys.argv[1], skimage.data.astronaut())"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    return path


def run_sections(photo: Path, repeats: Repeats, quick: bool) -> Iterator[Section]:
    """Measure everything; memory before what only the comparisons need."""
    from face_depth_addon.inference.client import WorkerClient

    client = WorkerClient()
    try:
        idle = _peak_megabytes()
        yield cold_start(photo, repeats.cold)
        section, info = warm(client, photo, repeats.warm)
        yield section
        peaks = [("512", _peak_megabytes(), info["worker_peak_mb"])]
        stall_section, info = stalls(client, photo, repeats.stall)
        yield stall_section
        peaks.append(("2048", _peak_megabytes(), info["worker_peak_mb"]))
        yield memory(idle, peaks)
    finally:
        client.close()
    for resolution in _RESOLUTIONS:
        yield mesh_building(resolution, repeats.mesh[resolution])
    for resolution in _RESOLUTIONS:
        yield slider(resolution, repeats.slider)
    yield inference(photo, quick)
    yield registration(repeats.register)


# Photo to mesh


def cold_start(photo: Path, repeats: int) -> Section:
    """From a new worker process to the first result."""
    from face_depth_addon.inference.client import WorkerClient
    from face_depth_addon.inference.request import Request

    def first_result(model: str) -> float:
        begun = time.perf_counter()
        client = WorkerClient()
        try:
            job = client.submit(Request(photo={"path": str(photo)}, model=model))
            while not job.poll(0.1):
                pass
            return time.perf_counter() - begun
        finally:
            client.close()

    times = interleave({
        name: lambda name=name: first_result(name) for name in ("face-dpt", "facemesh")
    }, repeats)
    rows = [Row(name, _ms(values)) for name, values in times.items()]
    return Section("Cold start: a new worker process to its first result", rows)


def warm(client, photo: Path, repeats: int) -> tuple[Section, dict]:
    """Photo to object with a warm worker, and where the time goes; the last job's info."""
    from face_depth_addon.blender.reconstruct import Settings
    from face_depth_addon.core.relief.building import Layout

    timings = {"face-dpt": [], "facemesh": []}
    for turn in range(repeats + 1):
        for model, kept in timings.items():
            settings = Settings(model=model, layout=Layout(resolution=512))
            outcome = _reconstruct(client, photo, settings)
            if turn:
                kept.append(outcome.info["timings"])
            if model == "face-dpt":
                info = outcome.info
            _clear()
    rows = []
    for model, kept in timings.items():
        total = Row(f"{model}: total", _ms(each["total"] for each in kept))
        rows.append(total)
        for stage in kept[0]:
            if stage != "total":
                name = f"{model}: {_STAGES.get(stage, stage)}"
                rows.append(Row(name, _ms(each[stage] for each in kept), base=total))
    size = f"{info['width']} x {info['height']} pixels, {info['vertices']:,} vertices"
    return Section(f"Warm photo to mesh at 512 ({size})", rows), info


_STAGES = {
    "photo": "read the photo", "face": "find the face", "model": "wait for the model",
    "matte": "separate the background", "depth": "estimate depth", "texture": "colours",
    "inference": "worker as a whole, with the transfer", "mesh": "mesh, material, object",
}


def _reconstruct(client, photo: Path, settings):
    import bpy

    from face_depth_addon.blender import photo_source
    from face_depth_addon.blender.progress import finish
    from face_depth_addon.blender.reconstruct import reconstruct_steps

    source = photo_source.from_file(str(photo))
    return finish(reconstruct_steps(bpy.context, client, source, settings, wait=0.1))


def stalls(client, photo: Path, repeats: int) -> tuple[Section, dict]:
    """How long Blender's main thread is held at most, driven as the operator's modal does."""
    from face_depth_addon.blender.reconstruct import Settings
    from face_depth_addon.core.relief.building import Layout

    rows, notes = [], []
    for resolution in _RESOLUTIONS:
        settings = Settings(layout=Layout(resolution=resolution))
        info = _reconstruct(client, photo, settings).info
        _clear()
        longest = []
        for _ in range(repeats):
            longest.append(max(_holds(client, photo, settings)))
            _clear()
        rows.append(Row(f"resolution {resolution}", _ms(hold for hold, _ in longest), most=50.0))
        steps = ", ".join(sorted({step for _, step in longest}))
        notes.append(f"Longest at {resolution} in: {steps}.")
    notes.append(
        "A hold is the time for which one timer tick keeps the main thread: one step, and "
        "waiting for Python's lock before it."
    )
    return Section("Longest main-thread stall", rows, notes), info


def _holds(client, photo: Path, settings) -> Iterator[tuple[float, str]]:
    """Each tick's hold in seconds, with what was being done."""
    import bpy

    from face_depth_addon.blender import photo_source
    from face_depth_addon.blender.reconstruct import reconstruct_steps

    source = photo_source.from_file(str(photo))
    steps = reconstruct_steps(bpy.context, client, source, settings, wait=0.0)
    label, count = "start", 0
    due = time.perf_counter()
    while True:
        try:
            progress = next(steps)
        except StopIteration:
            yield time.perf_counter() - due, f"{label} (last step)"
            return
        yield time.perf_counter() - due, f"{label} (step {count})"
        label, count = progress.label, count + 1 if progress.label == label else 1
        due = time.perf_counter() + _TICK_SECONDS
        time.sleep(_TICK_SECONDS)


def _clear() -> None:
    """Remove what a reconstruction has made."""
    import bpy

    for blocks in (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.images):
        bpy.data.batch_remove(list(blocks))


# Memory


def memory(idle: float | None, peaks: list[tuple[str, float | None, float | None]]) -> Section:
    """Peak resident memory, where the system tells it."""
    if idle is None:
        return Section("Peak memory", [], ["This system does not tell it."])
    rows = [Row("Blender's process before the first photo", [idle], "MB")]
    for resolution, own, worker in peaks:
        rows.append(Row(f"Blender's process, up to {resolution}", [own], "MB"))
        rows.append(Row(f"worker, up to {resolution}", [worker], "MB", most=1000.0))
    return Section("Peak memory", rows)


def _peak_megabytes() -> float | None:
    import bpy  # noqa: F401 - its memory counts

    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


# Mesh building


def mesh_building(resolution: int, repeats: int) -> Section:
    """A full square subject, against the least that Blender needs and the usual ways."""
    from face_depth_addon.blender.mesh import fill_mesh
    from face_depth_addon.core.relief.grid import build_grid

    subject = _square_subject(resolution)
    grid = build_grid(subject, resolution)
    arrays = _bare_arrays(grid)
    lists = grid.positions.tolist(), grid.corner_verts.reshape(-1, 4).tolist()

    def ours(mesh) -> None:
        for _ in fill_mesh(mesh, grid):
            pass

    def ours_with_grid(mesh) -> None:
        for _ in fill_mesh(mesh, build_grid(subject, resolution)):
            pass

    # Millions of lists would slow every collection of garbage down, ours too.
    gc.collect()
    gc.freeze()
    times = interleave({
        "bare": lambda: _time_mesh(lambda mesh: _fill_bare(mesh, arrays)),
        "ours": lambda: _time_mesh(ours),
        "ours_with_grid": lambda: _time_mesh(ours_with_grid),
        "bmesh": lambda: _time_mesh(lambda mesh: _fill_by_bmesh(mesh, grid.positions, resolution)),
        "pydata": lambda: _time_mesh(lambda mesh: mesh.from_pydata(lists[0], [], lists[1])),
    }, repeats)
    gc.unfreeze()
    bare = Row("bare named attributes (floor)", _ms(times["bare"]))
    rows = [
        bare,
        Row("ours: `fill_mesh`", _ms(times["ours"]), base=bare, most=2.0),
        Row("ours: `build_grid` and `fill_mesh`", _ms(times["ours_with_grid"]), base=bare),
        Row("`bmesh.ops.create_grid`, `to_mesh`, positions", _ms(times["bmesh"]), base=bare),
        Row("`from_pydata`, from lists, no UVs or colours", _ms(times["pydata"]), base=bare),
    ]
    return Section(f"Mesh building, {resolution} x {resolution} vertices, linked", rows)


def slider(resolution: int, repeats: int) -> Section:
    """A step of a slider on a finished mesh, against bare writes of positions.

    Both include what a redraw then asks of the mesh on the processor: evaluation, triangles and
    normals. What the graphics card does comes on top, for both alike.
    """
    import bpy
    import numpy as np

    from face_depth_addon.blender.mesh import fill_mesh
    from face_depth_addon.blender.shaping.shape import give_shape
    from face_depth_addon.core.relief.building import Layout
    from face_depth_addon.core.relief.grid import build_grid
    from face_depth_addon.core.relief.shaping import Shape, depth_span, photo_viewpoint

    subject = _square_subject(resolution)
    grid = build_grid(subject, resolution)
    items = {}
    for projection in ("RELIEF", "PERSPECTIVE"):
        mesh = bpy.data.meshes.new("Slider")
        for _ in fill_mesh(mesh, grid):
            pass
        give_shape(mesh, Layout(), Shape(), photo_viewpoint(subject), depth_span(subject))
        mesh.face_depth.projection = projection
        items[projection] = bpy.data.objects.new("Slider", mesh)
        bpy.context.scene.collection.objects.link(items[projection])
    written = itertools.cycle(
        np.ascontiguousarray(grid.positions * (1.0, factor, 1.0), np.float32).ravel()
        for factor in (0.8, 1.2)
    )
    sliders = {"RELIEF": ("strength", (0.8, 1.2)), "PERSPECTIVE": ("distance", (0.7, 0.9))}
    sliders = {key: (name, itertools.cycle(values)) for key, (name, values) in sliders.items()}

    def show(item) -> None:
        seen = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        seen.calc_loop_triangles()
        _ = seen.vertex_normals[0].vector

    def write() -> None:
        mesh = items["RELIEF"].data
        mesh.attributes["position"].data.foreach_set("vector", next(written))
        mesh.update()
        show(items["RELIEF"])

    def move(key: str) -> None:
        name, values = sliders[key]
        setattr(items[key].data.face_depth, name, next(values))
        show(items[key])

    times = interleave({
        "bare": lambda: _time(write),
        "relief": lambda: _time(lambda: move("RELIEF")),
        "perspective": lambda: _time(lambda: move("PERSPECTIVE")),
    }, repeats)
    for item in items.values():
        mesh = item.data
        bpy.data.objects.remove(item)
        bpy.data.meshes.remove(mesh)
    bare = Row("bare write of positions, evaluation (floor)", _ms(times["bare"]))
    most = 1.5 if resolution == 512 else None
    return Section(f"One step of a slider, {resolution} x {resolution} vertices", [
        bare,
        Row("Strength, relief", _ms(times["relief"]), base=bare, most=most),
        Row("Distance, perspective", _ms(times["perspective"]), base=bare, most=most),
    ])


def _square_subject(resolution: int):
    """A dome that fills its crop, at the size the pipeline works at."""
    import numpy as np

    from face_depth_addon.core.crop import Crop
    from face_depth_addon.core.reconstruction import Pictures, Reconstruction

    size = max(resolution, 512)
    across = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    dome = np.exp(-2.0 * (across[:, None] ** 2 + across**2)) * np.float32(size / 2)
    rgb = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    return Reconstruction(
        depth=dome, subject=np.ones((size, size), bool),
        matte=np.full((size, size), 255, np.uint8), rgb=rgb,
        crop=Crop(size / 2, size / 2, float(size)), metres_per_pixel=0.3 / size,
        origin=np.array([0.5, 0.5, size / 4]), pictures=Pictures(b"", b"", b"", b""),
        info={"width": size, "height": size, "focal_35mm": None},
    )


def _time_mesh(fill: Callable) -> float:
    """Seconds to make, fill and link a mesh; removing it does not count."""
    import bpy

    begun = time.perf_counter()
    mesh = bpy.data.meshes.new("Benchmark")
    fill(mesh)
    item = bpy.data.objects.new("Benchmark", mesh)
    bpy.context.scene.collection.objects.link(item)
    seconds = time.perf_counter() - begun
    bpy.data.objects.remove(item)
    bpy.data.meshes.remove(mesh)
    return seconds


def _bare_arrays(grid) -> dict:
    """All that goes into the mesh, in the layout in which Blender takes it."""
    import numpy as np

    return {
        "position": grid.positions.ravel(), "edges": grid.edges.ravel(),
        "corner_vert": grid.corner_verts, "corner_edge": grid.corner_edges,
        "loop_start": np.arange(0, len(grid.corner_verts), 4, dtype=np.int32),
        "uv": grid.corner_uvs.ravel(),
        "colour": (grid.colours / np.float32(255)).astype(np.float32).ravel(),
        "depth": grid.depth,
    }


def _fill_bare(mesh, arrays: dict) -> None:
    mesh.vertices.add(len(arrays["depth"]))
    mesh.edges.add(len(arrays["edges"]) // 2)
    mesh.loops.add(len(arrays["corner_vert"]))
    mesh.polygons.add(len(arrays["loop_start"]))
    mesh.attributes["position"].data.foreach_set("vector", arrays["position"])
    mesh.attributes[".edge_verts"].data.foreach_set("value", arrays["edges"])
    mesh.attributes[".corner_vert"].data.foreach_set("value", arrays["corner_vert"])
    mesh.attributes[".corner_edge"].data.foreach_set("value", arrays["corner_edge"])
    mesh.polygons.foreach_set("loop_start", arrays["loop_start"])
    uv = mesh.attributes.new("UVMap", 'FLOAT2', 'CORNER')
    uv.data.foreach_set("vector", arrays["uv"])
    colour = mesh.attributes.new("Color", 'BYTE_COLOR', 'POINT')
    colour.data.foreach_set("color_srgb", arrays["colour"])
    depth = mesh.attributes.new("depth", 'FLOAT', 'POINT')
    depth.data.foreach_set("value", arrays["depth"])


def _fill_by_bmesh(mesh, positions, resolution: int) -> None:
    import bmesh

    segments = resolution - 1
    grid = bmesh.new()
    grid.loops.layers.uv.new("UVMap")
    bmesh.ops.create_grid(grid, x_segments=segments, y_segments=segments, size=1, calc_uvs=True)
    grid.to_mesh(mesh)
    grid.free()
    mesh.attributes["position"].data.foreach_set("vector", positions.ravel())


# Inference


def inference(photo: Path, quick: bool) -> Section:
    """Ours against the stock pipeline, in a process started with the worker's interpreter."""
    from face_depth_addon.inference.client import default_python

    command = [default_python(), __file__, "--child", "--photo", str(photo.resolve())]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    child = subprocess.run(
        command + ["--quick"] * quick, env=environment, stdout=subprocess.PIPE, check=True
    )
    answer = json.loads(child.stdout)
    times = {name: _ms(values) for name, values in answer["times"].items()}
    stock = Row("stock `transformers` pipeline, float32", times["stock"])
    rows = [
        stock,
        Row("ours, one forward pass", times["once"], base=stock),
        Row("ours as bundled, averaged with the mirrored crop", times["ours"], base=stock),
        Row("stock pipeline as it comes, float16 weights", times["stock16"], base=stock),
    ]
    return Section(f"Inference at {answer['size']} pixels, CPU", rows, [
        f"{answer['threads']} threads; the stock pipeline's image processor is "
        f"{answer['processor']}; greatest difference between one forward pass of ours and the "
        f"stock float32 depth: {answer['difference']:.2%} of its range."
    ])


def inference_times(photo: Path, repeats: int) -> dict:
    """What `inference` measures, in this process; times in seconds."""
    from dataclasses import replace

    import torch
    from PIL import Image
    from transformers import pipeline

    from face_depth_addon.inference.cards import BUNDLED
    from face_depth_addon.inference.depth_sources.transformers_model import DepthNetwork
    from face_depth_addon.inference.registry import find_model
    from face_depth_addon.inference.running import Running
    from face_depth_addon.inference.torch_setup import import_torch

    import_torch()
    folder = find_model(BUNDLED)
    rgb = _face_crop(photo, folder)
    image = Image.fromarray(rgb)
    ours = DepthNetwork(replace(folder, average_flipped=True), Running("cpu"))
    once = DepthNetwork(replace(folder, average_flipped=False), Running("cpu"))
    stock, stock16 = (
        pipeline("depth-estimation", model=str(folder.path), device="cpu", dtype=dtype)
        for dtype in (torch.float32, "auto")
    )
    expected = stock(image)["predicted_depth"].numpy()
    difference = abs(once.predict(rgb).depth - expected).max()
    times = interleave({
        "stock": lambda: _time(lambda: stock(image)),
        "once": lambda: _time(lambda: once.predict(rgb)),
        "ours": lambda: _time(lambda: ours.predict(rgb)),
    }, repeats)
    # So slow that it would disturb the others' turns.
    times |= interleave({"stock16": lambda: _time(lambda: stock16(image))}, min(repeats, 3))
    return {
        "times": times, "size": folder.input_size, "threads": torch.get_num_threads(),
        "processor": type(stock.image_processor).__name__,
        "difference": float(difference / (expected.max() - expected.min())),
    }


def _face_crop(photo: Path, folder):
    """The square that the worker would show to the network: (s, s, 3) uint8."""
    from face_depth_addon.core.photo import load_photo
    from face_depth_addon.core.pipeline import Pipeline
    from face_depth_addon.core.sampling import cut
    from face_depth_addon.inference.cards import MODELS

    loaded = load_photo(str(photo))
    face, _ = Pipeline(MODELS).choose_face(loaded, 0)
    return cut(loaded.rgb, face.crop(folder.margin, folder.rise), folder.input_size)


# Registration


def registration(repeats: int) -> Section:
    """Importing and registering the extension in fresh processes that have bpy already."""
    answers = []
    for _ in range(repeats + 1):
        child = subprocess.run(
            [sys.executable, "-c", _REGISTER], stdout=subprocess.PIPE, check=True,
            # As in Blender: what the first start compiles is kept for those after it.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        )
        answers.append(json.loads(child.stdout.splitlines()[-1]))
    row = Row("import and register", _ms(seconds for seconds, _ in answers[1:]), most=30.0)
    loaded = sorted({name for _, names in answers for name in names})
    note = (
        "After a collection of the garbage of importing bpy. Imported on the way, of "
        f"{', '.join(_HEAVY)}: {', '.join(loaded) or 'none'}."
    )
    return Section("Registration", [row], [note])


# Measuring and telling


def interleave(cases: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Run the cases in turns; the first round does not count.

    Parameters
    ----------
    cases : dict of callable
        Each returns its seconds.
    repeats : int

    Returns
    -------
    dict of list of float
    """
    times = {name: [] for name in cases}
    for turn in range(repeats + 1):
        for name, run in cases.items():
            seconds = run()
            if turn:
                times[name].append(seconds)
    return times


def _time(run: Callable) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _ms(seconds) -> list[float]:
    return [1000.0 * value for value in seconds]


def machine(photo: Path) -> str:
    """The machine, the versions and the photo, in Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.platform()}; "
        f"load average at the start: {_load()}.\n"
        f"Versions: Python {platform.python_version()}, {versions}.\n"
        f"Photo: {photo.name}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def markdown(section: Section) -> str:
    """A heading, a table and the remarks."""
    lines = [f"\n### {section.title}\n"]
    if section.rows:
        lines += ["| What | Median | Least | Greatest | n | Ratio | Aim |",
                  "|---|---:|---:|---:|---:|---:|---|"]
    for row in section.rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        numbers = (f"{value:.0f} {row.unit}" if value >= 100 else f"{value:.1f} {row.unit}"
                   for value in (row.median, min(row.values), max(row.values)))
        lines.append(f"| {row.name} | {' | '.join(numbers)} | {len(row.values)} | {ratio} "
                     f"| {_aim(row)} |")
    lines += [f"\n{note}" for note in section.notes]
    return "\n".join(lines)


def _aim(row: Row) -> str:
    if row.met is None:
        return ""
    unit = f" {row.unit}" if row.base is None else " times"
    return f"at most {row.most:g}{unit}: {'met' if row.met else 'missed'}"


def as_json(heading: str, sections: list[Section]) -> dict:
    """Everything that the tables show, with the single values."""
    return {
        "machine": heading.splitlines(),
        "sections": [
            {
                "title": section.title, "notes": section.notes,
                "rows": [
                    {
                        "name": row.name, "unit": row.unit, "median": row.median,
                        "values": row.values, "ratio": row.ratio,
                        "base": row.base.name if row.base else None,
                        "most": row.most, "met": row.met,
                    }
                    for row in section.rows
                ],
            }
            for section in sections
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
