# SPDX-License-Identifier: GPL-3.0-or-later
"""The web page of a mesh: what it holds, and what its user sees in a browser."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import threading
import zlib
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest
from viewer_browser import Browser, find_browser

from face_depth_addon.blender.output import textures
from face_depth_addon.blender.output.page import write_html
from face_depth_addon.core.errors import MeshError, OutputError

ROOT = Path(__file__).resolve().parent.parent
SIDE, WIDTH, HEIGHT, BULGE = 17, 0.2, 0.24, 0.05
# The texture's quarters, upper row first.
RED, GREEN, BLUE, YELLOW = (220, 40, 40), (40, 200, 60), (40, 60, 220), (230, 210, 40)
TITLE = "Zoë & <script>alert(1)</script>"

needs_browser = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium here (Debian's chromium-headless-shell is enough)"
)


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


# --- Objects -------------------------------------------------------------------------------------


def quarters() -> bytes:
    """A JPEG of four colours."""
    picture = np.empty((64, 64, 3), np.uint8)
    picture[:32, :32], picture[:32, 32:] = RED, GREEN
    picture[32:, :32], picture[32:, 32:] = BLUE, YELLOW
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def make_dome(
    bulge: float = BULGE, picture: bytes = b"", side: int = SIDE, name: str = "Dome"
) -> bpy.types.Object:
    """The active object: a grid of quads that faces -Y and is nearest in its middle."""
    row, column = np.indices((side, side)) / (side - 1)
    near = bulge * (1.0 - 2.0 * ((row - 0.5) ** 2 + (column - 0.5) ** 2))
    positions = np.stack([WIDTH * (column - 0.5), -near, HEIGHT * (row - 0.5)], -1).reshape(-1, 3)
    vertex = np.arange(side * side).reshape(side, side)
    quads = np.stack(
        [vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]], -1
    ).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(positions.tolist(), [], quads.tolist())
    mesh.shade_smooth()
    places = np.stack([column, row], -1).reshape(-1, 2).astype(np.float32)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", places[quads.ravel()].ravel())
    if picture:
        give_material(mesh, picture)
    item = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    return item


def give_material(mesh: bpy.types.Mesh, picture: bytes) -> bpy.types.Image:
    from face_depth_addon.blender.material import pack_image, photo_material

    image = pack_image("photo", picture)
    mesh.materials.append(photo_material("photo", image))
    return image


def paint(mesh: bpy.types.Mesh, domain: str, colours: np.ndarray) -> None:
    layer = mesh.color_attributes.new("Color", 'BYTE_COLOR', domain)
    rgba = np.ones((len(layer.data), 4), np.float32)
    rgba[:, :3] = colours / 255.0
    layer.data.foreach_set("color_srgb", rgba.ravel())


# --- What a page holds ---------------------------------------------------------------------------


class Page(HTMLParser):
    """A page's elements, and the texts of its title, its scripts and its style."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.elements.append((tag, dict(attributes)))
        self._inside = dict(attributes).get("id", tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def attributes(self, tag: str, **wanted: str) -> dict:
        (found,) = (a for t, a in self.elements if t == tag and wanted.items() <= a.items())
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """The mesh's arrays, undone step by step from their description in core/web_page.py."""
        data = zlib.decompress(base64.b64decode(self.texts["mesh"]))
        result, at = {}, 0
        for entry in json.loads(self.attributes("script", id="mesh")["data-layout"]):
            rows, columns, width = entry["rows"], entry["columns"], entry["width"]
            values = np.empty((rows, columns), np.int64)
            for column in range(columns):
                folded = np.zeros(rows, np.int64)
                for plane in range(width):
                    folded += np.frombuffer(data, np.uint8, rows, at).astype(np.int64) << 8 * plane
                    at += rows
                steps = np.where(folded % 2, -(folded // 2) - 1, folded // 2)
                values[:, column] = np.cumsum(steps) % (1 << 8 * width)
            result[entry["name"]] = values
            if "low" in entry:
                result[entry["name"]] = np.array(entry["low"]) + np.array(entry["step"]) * values
        assert at == len(data)
        return result


def page_of(item: bpy.types.Object, path: Path) -> dict[str, np.ndarray]:
    write_html(item, path)
    return Page(path).arrays()


def edges_of(arrays: dict[str, np.ndarray]) -> set[tuple[int, int]]:
    """The edges that a page's wireframe draws."""
    return {
        tuple(sorted((face[side], face[(side + 1) % 3])))
        for face, flags in zip(arrays["faces"].tolist(), arrays["sides"][:, 0], strict=True)
        for side in range(3) if flags >> side & 1
    }


def size_on(path: Path) -> tuple[float, ...]:
    """Width, height and depth in millimetres, as the page states them."""
    found = re.search(
        r">([\d,]+) mm wide, ([\d,]+) mm high, ([\d,]+) mm deep<", path.read_text(encoding="utf-8")
    )
    return tuple(float(part.replace(",", "")) for part in found.groups())


def test_page_holds_the_mesh_and_its_photo(tmp_path):
    picture = quarters()
    item = make_dome(picture=picture)
    item.name = TITLE
    path = tmp_path / "page.html"
    assert write_html(item, path) == SIDE * SIDE
    page = Page(path)
    arrays = page.arrays()
    mesh = item.data
    wanted = np.empty((SIDE * SIDE, 3), np.float32)
    mesh.vertices.foreach_get("co", wanted.ravel())
    # Half of a 65535th of each side.
    assert (np.abs(arrays["positions"] - wanted) <= 0.51 / 65535 * np.ptp(wanted, axis=0)).all()
    assert np.abs(arrays["uvs"] - wanted[:, [0, 2]] / (WIDTH, HEIGHT) - 0.5).max() < 1e-5
    assert base64.b64decode(page.texts["texture"]) == picture
    assert len(arrays["copies"]) == 0 and "colours" not in arrays

    assert len(arrays["faces"]) == 2 * (SIDE - 1) ** 2
    a, b, c = wanted[arrays["faces"]].transpose(1, 0, 2)
    assert (np.cross(b - a, c - a)[:, 1] < 0.0).all()
    assert edges_of(arrays) == {tuple(sorted(edge.vertices)) for edge in mesh.edges}

    assert page.texts["title"] == page.texts["h1"] == TITLE
    assert size_on(path) == (200, 240, 50)
    assert list(tmp_path.iterdir()) == [path]


def test_page_allows_itself_only_what_it_holds(tmp_path):
    path = tmp_path / "page.html"
    write_html(make_dome(picture=quarters()), path)
    page = Page(path)
    policy = dict(
        rule.strip().split(" ", 1)
        for rule in page.attributes("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
        .split(";")
    )
    assert policy["default-src"] == "'none'" and policy["img-src"] == "data:"
    assert set(policy) == {
        "default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"
    }

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    three = zlib.decompress(base64.b64decode(page.texts["three"])).decode()
    assert set(policy["script-src"].split()) == {hashed(page.texts["script"]), hashed(three)}
    assert policy["style-src"] == hashed(page.texts["style"])
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "style", "onclick", "onload"} & set(attributes), tag
        assert attributes.get("href", "data:").startswith("data:")
    source = path.read_text(encoding="utf-8")
    assert "Copyright © 2010-2026 three.js authors" in source and "MIT License" in source


def test_page_shows_the_object_as_the_scene_does(tmp_path):
    """Scaled, turned and mirrored, with modifiers, shape keys and what is being edited."""
    item = make_dome()
    path = tmp_path / "page.html"
    item.scale = 2.0, 1.0, 1.0
    bpy.context.view_layer.update()
    write_html(item, path)
    assert size_on(path) == (400, 240, 50)

    item.scale, item.rotation_euler = (-1.0, 1.0, 1.0), (0.0, 0.0, np.pi / 2)
    bpy.context.view_layer.update()
    arrays = page_of(item, path)
    assert size_on(path) == (50, 240, 200)
    a, b, c = arrays["positions"][arrays["faces"]].transpose(1, 0, 2)
    # Towards -Y is towards +X after the turn.
    assert (np.cross(b - a, c - a)[:, 0] > 0.0).all()
    assert edges_of(arrays) == {tuple(sorted(edge.vertices)) for edge in item.data.edges}

    item.matrix_world = np.eye(4)
    item.shape_key_add(name="Basis")
    item.shape_key_add(name="Long").data[0].co.z -= 0.16
    item.data.shape_keys.key_blocks["Long"].value = 0.5
    write_html(item, path)
    assert size_on(path) == (200, 320, 50)
    item.shape_key_clear()

    item.modifiers.new("Array", 'ARRAY').relative_offset_displace = (0.0, 0.0, 1.0)
    assert len(page_of(item, path)["positions"]) == 2 * SIDE * SIDE
    assert size_on(path) == (200, 480, 50)
    item.modifiers.clear()

    bpy.ops.object.mode_set(mode='EDIT')
    bpy.ops.mesh.select_all(action='SELECT')
    bpy.ops.transform.resize(value=(1.0, 3.0, 1.0))
    write_html(item, path)
    assert item.mode == 'EDIT' and size_on(path) == (200, 240, 150)


def rounded(*vectors: object) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for vector in vectors for value in vector)


def test_seams_and_sharp_edges_become_vertices_of_their_own(tmp_path):
    path = tmp_path / "page.html"
    bpy.ops.mesh.primitive_cube_add(size=0.1)
    item = bpy.context.object
    give_material(item.data, quarters())
    corners = {
        rounded(item.data.vertices[loop.vertex_index].co, place.uv)
        for loop, place in zip(item.data.loops, item.data.uv_layers[0].data, strict=True)
    }
    item.data.shade_smooth()
    smooth = page_of(item, path)
    assert len(smooth["positions"]) == 8 and len(smooth["copies"]) == len(corners) - 8 > 0
    assert len(smooth["uvs"]) == len(corners) and smooth["faces"].max() == len(corners) - 1
    # Each corner has its own place in the texture, copy or not.
    owners = np.concatenate([np.arange(8), smooth["copies"][:, 0]])
    assert corners == {
        rounded(smooth["positions"][owners[vertex]], smooth["uvs"][vertex])
        for vertex in smooth["faces"].ravel()
    }
    item.data.shade_flat()
    assert len(page_of(item, path)["positions"]) == 24


def test_mesh_without_a_photo_has_its_colours(tmp_path):
    path = tmp_path / "page.html"
    item = make_dome(side=5)
    assert "colours" not in page_of(item, path)
    tints = np.random.default_rng(3).integers(0, 256, (25, 3))
    paint(item.data, 'POINT', tints)
    arrays = page_of(item, path)
    assert np.array_equal(arrays["colours"], tints) and "uvs" not in arrays
    item.data.color_attributes.remove(item.data.color_attributes[0])
    paint(item.data, 'CORNER', tints[[loop.vertex_index for loop in item.data.loops]])
    assert np.array_equal(page_of(item, path)["colours"], tints)
    # A picture that has gone is as good as none.
    image = give_material(item.data, quarters())
    assert "uvs" in page_of(item, path)
    image.unpack(method='REMOVE')
    image.filepath = str(tmp_path / "gone.jpg")
    image.reload()
    assert np.array_equal(page_of(item, path)["colours"], tints)


def test_what_was_painted_on_the_photo_is_on_the_page(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    item = make_dome(side=5)
    black = cv2.imencode(".jpg", np.zeros((20, 30, 3), np.uint8))[1].tobytes()
    image = give_material(item.data, black)

    def picture() -> np.ndarray:
        write_html(item, path)
        data = base64.b64decode(Page(path).texts["texture"])
        assert data[:2] == b"\xff\xd8"
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    assert picture().shape == (20, 30, 3) and picture().max() < 4
    pixels = np.tile(np.float32([0.2, 0.6, 0.8, 1.0]), (20, 30, 1))
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    assert np.abs(picture() - np.array([51, 153, 204])).max() < 4
    assert image.is_dirty and len(bpy.data.images) == 1

    monkeypatch.setattr(textures, "_LARGEST_PICTURE", 15)
    assert picture().shape == (10, 15, 3)


def test_bad_input_is_a_sentence_and_writes_nothing(tmp_path):
    item = make_dome(side=3)
    with pytest.raises(OutputError, match=r"^page.txt is not a web page: its name must end in"):
        write_html(item, tmp_path / "page.txt")
    with pytest.raises(OutputError, match=r"page.html cannot be written \(No such file"):
        write_html(item, tmp_path / "nowhere" / "page.html")
    item.data.clear_geometry()
    with pytest.raises(MeshError, match="no faces, so a web page cannot show it"):
        write_html(item, tmp_path / "page.html")
    with pytest.raises(RuntimeError, match="no faces, so a web page cannot show it"):
        bpy.ops.face_depth.export_html(filepath=str(tmp_path / "page.html"))
    assert not list(tmp_path.iterdir())


def test_operator_writes_what_the_function_does(tmp_path):
    item = make_dome(picture=quarters())
    write_html(item, tmp_path / "function.html")
    path = tmp_path / "operator.html"
    assert bpy.ops.face_depth.export_html(filepath=str(path)) == {'FINISHED'}
    assert path.read_bytes() == (tmp_path / "function.html").read_bytes()
    bpy.context.view_layer.objects.active = None
    assert not bpy.ops.face_depth.export_html.poll()


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here")
def test_scripts_have_no_syntax_error(tmp_path):
    path = tmp_path / "page.html"
    write_html(make_dome(side=3), path)
    page = Page(path)
    three = zlib.decompress(base64.b64decode(page.texts["three"])).decode()
    for text in (page.texts["script"], three):
        script = tmp_path / "script.js"
        script.write_text(text, encoding="utf-8")
        subprocess.run(["node", "--check", script], check=True, timeout=60)


# --- The command line ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory, addon, astronaut) -> Path:
    """A folder of pages that the command line made of one photo given twice."""
    from face_depth_addon.blender.command import run_command

    folder = tmp_path_factory.mktemp("pages")
    assert run_command([
        str(astronaut), str(astronaut), "--model", "facemesh", "--resolution", "96", "--html",
        str(folder / "out"), "--report", str(folder / "report.json"),
    ]) == 0
    return folder


def test_command_line_writes_a_page_for_each_photo(pages):
    names = ["astronaut.html", "astronaut-2.html"]
    assert sorted(path.name for path in (pages / "out").iterdir()) == sorted(names)
    rows = json.loads((pages / "report.json").read_text(encoding="utf-8"))["photos"]
    assert [row["outputs"] for row in rows] == [[str(pages / "out" / name)] for name in names]
    page = Page(pages / "out" / names[0])
    assert len(page.arrays()["positions"]) == rows[0]["vertices"]
    assert page.texts["title"] == "astronaut"


@pytest.mark.parametrize(("arguments", "expected"), [
    (["--html", "page.txt"], "page.txt is not a web page: its name must end in .html, .htm."),
    (["other.png", "--html", "page.html"], "with several photos, name a folder."),
    (["--html", "x.html", "--preview", "x.HTML"], "x.HTML is not a picture"),
    (["--html", "photo.png/x.html"], "The folder photo.png cannot be made"),
    ([], "--preview or --html."),
])
def test_wrong_page_is_told_before_any_work(capfd, monkeypatch, tmp_path, arguments, expected):
    from face_depth_addon.blender.command import run_command

    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"never read")
    assert run_command(["photo.png", *arguments]) == 2
    assert expected in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


# --- In a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        opened.prefer(prefers_reduced_motion="reduce", prefers_color_scheme="light")
        yield opened


DRAWN = "!!document.documentElement.dataset.drawn"


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of an object, with ``hash`` as its address asks, and return the browser."""

    def show(item: bpy.types.Object | Path, hash: str = "", *, phone: bool = False) -> Browser:
        path = item
        if not isinstance(item, Path):
            path = tmp_path / "shown.html"
            write_html(item, path)
        browser.resize(*((360, 640) if phone else (520, 400)), phone=phone)
        browser.open(f"{path.as_uri()}#{hash}")
        browser.wait_for(DRAWN)
        return browser

    return show


def settled(browser: Browser) -> np.ndarray:
    """The drawn canvas alone, without the ring of the focus: (height, width, 3) int."""
    browser.js("new Promise(requestAnimationFrame)")
    browser.wait_for(DRAWN)
    box = browser.js("document.getElementById('canvas').getBoundingClientRect().toJSON()")
    top, bottom, left, right = (round(box[side]) for side in ("top", "bottom", "left", "right"))
    return browser.picture()[top:bottom, left:right][4:-4, 4:-4].astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    """Where a picture has about that colour: (height, width) bool."""
    return (np.abs(picture - np.array(colour)) < tolerance).all(axis=2)


def partings(picture: np.ndarray) -> np.ndarray:
    """Row and column where red gives way to blue and to green, near the dome's middle."""
    height, width = picture.shape[:2]
    lines = picture[:, [round(0.45 * width)]], picture[[round(0.4 * height)]].swapaxes(0, 1)
    places = []
    for line, colour in zip(lines, (BLUE, GREEN), strict=True):
        before, after = (np.flatnonzero(near(line, wanted)[:, 0]) for wanted in (RED, colour))
        places.append((before.max() + after.min()) / 2)
    return np.array(places)


def covered(picture: np.ndarray, margin: int) -> np.ndarray:
    """Where the photo of quarters shows, but not near its border: (height, width) bool."""
    mesh = np.any([near(picture, colour) for colour in (RED, GREEN, BLUE, YELLOW)], axis=0)
    hull = cv2.convexHull(np.argwhere(mesh)[:, ::-1].astype(np.int32))
    whole = cv2.fillConvexPoly(np.zeros(mesh.shape, np.uint8), hull, 1)
    return cv2.erode(whole, np.ones((2 * margin + 1, 2 * margin + 1))) > 0


def middles(picture: np.ndarray) -> np.ndarray:
    """(4, 2): mean row and column of the texture's red, green, blue and yellow quarters."""
    return np.array([np.argwhere(near(picture, colour)).mean(axis=0)
                     for colour in (RED, GREEN, BLUE, YELLOW)])


@needs_browser
def test_photo_is_the_right_way_round_and_nothing_is_fetched(show):
    browser = show(make_dome(picture=quarters()))
    picture = settled(browser)
    height, width = picture.shape[:2]
    (red, green, blue, yellow) = middles(picture)
    assert red[0] < height / 2 - 40 < height / 2 + 40 < blue[0]
    assert red[1] < width / 2 - 40 < width / 2 + 40 < green[1]
    assert np.allclose((red + yellow) / 2, (green + blue) / 2, atol=3)
    shares = [near(picture, colour).mean() for colour in (RED, GREEN, BLUE, YELLOW)]
    assert min(shares) > 0.07 and max(shares) < 0.25
    url = browser.js("location.href").split("#")[0]
    assert [request.split("#")[0] for request in browser.requests] == [url]
    assert browser.complaints == []


@needs_browser
def test_mouse_and_keys_turn_and_zoom_and_go_back(show):
    browser = show(make_dome(picture=quarters()))
    front = settled(browser)
    middle = browser.middle("#canvas")

    browser.drag(middle, by=(20, 0))
    turned = settled(browser)
    # The middle is nearest, so it goes where the mouse goes.
    assert partings(turned)[1] > partings(front)[1] + 8
    browser.press("Home")
    assert np.abs(settled(browser) - front).mean() < 0.5

    for key, down, right in (
        ("ArrowRight", 0, 1), ("ArrowLeft", 0, -1), ("ArrowDown", 1, 0), ("ArrowUp", -1, 0),
    ):
        browser.press(key)
        browser.press(key)
        along, across = (partings(settled(browser)) - partings(front)) @ (
            (down, right), (right, down)
        )
        assert along > 5 > abs(across), key
        browser.press("f")
    assert np.abs(settled(browser) - front).mean() < 0.5

    def share() -> float:
        return sum(near(settled(browser), colour).sum() for colour in (RED, YELLOW))

    before = share()
    browser.scroll(middle, -300)
    closer = share()
    assert closer > 1.1 * before
    browser.press("-")
    browser.press("-")
    assert share() < closer
    browser.double_click(middle)
    assert np.abs(settled(browser) - front).mean() < 0.5

    browser.click("#side")
    half = settled(browser)
    browser.click("#side")
    other = settled(browser)
    moves = [partings(turned)[1] - partings(front)[1] for turned in (half, other)]
    assert moves[0] * moves[1] < 0 and min(map(abs, moves)) > 8


@needs_browser
def test_grey_depth_is_white_where_it_is_near(show):
    browser = show(make_dome(picture=quarters()))
    inside = covered(settled(browser), 2)
    browser.click('[value="depth"] + span')
    picture = settled(browser)
    assert np.ptp(picture[inside], axis=1).max() <= 1
    row, column = np.argwhere(inside).mean(axis=0).round().astype(int)
    across = np.flatnonzero(inside[row])
    grey = picture[row, across, 0]
    assert grey.max() >= 252 and abs(across[grey.argmax()] - column) < 12
    # The sides' middle lies half of the bulge behind.
    assert grey[0] == pytest.approx(255 * (0.15 + 0.85 / 2), abs=8)
    assert (np.diff(grey[across <= column]) >= 0).all()
    assert (np.diff(grey[across > column]) <= 0).all()
    legend = browser.js("document.querySelector('[data-for=depth]').innerText")
    assert "near" in legend and "50 mm behind" in legend
    assert browser.complaints == []


@needs_browser
def test_clay_and_points_and_wireframe(show):
    browser = show(make_dome(picture=quarters(), side=65))
    photo = settled(browser)
    inside = covered(photo, 4)
    browser.press("2")
    clay = settled(browser)
    assert np.ptp(clay[inside], axis=1).max() < 90 and np.ptp(clay[inside].mean(axis=1)) > 40

    browser.click('[value="points"] + span')
    points = settled(browser)
    dots = [near(points, colour, 60) for colour in (RED, GREEN, BLUE, YELLOW)]
    ground = (points.max(axis=2) < 60) & inside
    assert min(dot.mean() for dot in dots) > 0.02 and ground.mean() > 0.02
    # In their places.
    for dot, place in zip(dots, middles(photo), strict=True):
        assert np.allclose(np.argwhere(dot).mean(axis=0), place, atol=12)
    assert browser.js("document.getElementById('count').textContent") == "4,225 of 4,225"
    assert browser.js("document.getElementById('wireframe').disabled")
    assert browser.complaints == []


@needs_browser
def test_wireframe_shows_the_quads_without_their_diagonals(show):
    quads = 4
    item = make_dome(bulge=0.0, side=quads + 1)
    browser = show(item, "view=clay")
    plain = settled(browser)
    browser.click("#wireframe")
    lined = settled(browser)
    changed = np.abs(lined - plain).max(axis=2) > 25
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    top, left = rows.min(), columns.min()
    cell = np.array([np.ptp(rows), np.ptp(columns)]) / quads
    for row in range(quads):
        for column in range(quads):
            y, x = ((np.array([row, column]) + 0.5) * cell + (top, left)).round().astype(int)
            assert not changed[y - 4: y + 5, x - 4: x + 5].any()
            side = round(x - cell[1] / 2)
            assert changed[y, max(0, side - 2): side + 3].any()


@needs_browser
def test_mesh_without_any_colours_starts_as_clay(show):
    browser = show(make_dome())
    assert browser.js("document.documentElement.dataset.drawn") == "clay"
    assert browser.js("document.querySelector('[value=photo]').checkVisibility()") is False
    browser.press("3")
    bare = settled(browser)
    assert near(bare, (210, 198, 186)).mean() > 0.1
    assert browser.complaints == []

    item = make_dome(side=5)
    paint(item.data, 'POINT', np.tile([200, 30, 90], (25, 1)))
    browser = show(item)
    assert near(settled(browser), (200, 30, 90), 6).mean() > 0.3
    assert browser.complaints == []


@needs_browser
def test_page_works_on_a_phone(show):
    browser = show(make_dome(picture=quarters()), phone=True)
    assert browser.js("document.documentElement.scrollWidth") == 360
    boxes = browser.js(
        "[...document.querySelectorAll('header span, #help span.touch, fieldset label, button')]"
        ".map((element) => element.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == 10
    for box in boxes:
        assert box["left"] >= 0 and box["right"] <= 360 and box["bottom"] <= 640
        assert box["height"] >= 15 and box["width"] >= 30
    assert min(box["height"] for box in boxes[3:]) >= 32

    front = settled(browser)
    x, y = browser.middle("#canvas")
    browser.touch([(x, y), (x + 15, y), (x + 30, y)])
    assert partings(settled(browser))[1] > partings(front)[1] + 8
    browser.press("f")
    before = near(settled(browser), RED).sum()
    browser.touch(
        [(x - 90, y), (x - 70, y), (x - 50, y)], [(x + 90, y), (x + 70, y), (x + 50, y)]
    )
    assert near(settled(browser), RED).sum() < 0.8 * before
    assert browser.complaints == []


@needs_browser
def test_photos_relief_looks_like_the_photo(show, pages, astronaut):
    browser = show(pages / "out" / "astronaut.html")
    front = settled(browser).astype(np.uint8)
    face = cv2.imread(str(astronaut))[70:190, 170:280, ::-1]

    def likeness(face: np.ndarray) -> float:
        sizes = ((int(110 * scale), int(120 * scale)) for scale in np.arange(0.8, 1.8, 0.1))
        return max(
            cv2.matchTemplate(front, cv2.resize(face, size), cv2.TM_CCOEFF_NORMED).max()
            for size in sizes
        )

    assert likeness(face) > 0.75 > likeness(face[:, ::-1]) + 0.1
    browser.click("#side")
    assert np.abs(settled(browser) - front.astype(int)).mean() > 10
    assert browser.complaints == []


@needs_browser
def test_page_cannot_reach_the_network(show):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        browser = show(make_dome(side=3))
        url = f"http://127.0.0.1:{server.server_port}/"
        assert browser.js(f"fetch('{url}').then(() => 'came', () => 'refused')") == "refused"
        assert browser.js(
            f"new Promise((done) => Object.assign(new Image(), {{src: '{url}x.png',"
            " onerror: () => done('refused'), onload: () => done('came')}))"
        ) == "refused"
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


@needs_browser
def test_missing_webgl_is_told(tmp_path):
    path = tmp_path / "page.html"
    write_html(make_dome(side=3), path)
    with Browser("--disable-3d-apis") as browser:
        browser.open(path.as_uri())
        browser.wait_for("!document.getElementById('message').textContent.includes('Opening')")
        said = browser.js("document.body.innerText")
    assert "This page needs WebGL 2 to show the mesh" in said and "Wireframe" not in said
