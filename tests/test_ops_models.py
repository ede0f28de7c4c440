# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of a model: what the panel tells of it, where it may lie, and its download."""

from time import monotonic, sleep
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import torch
from hub_server import Repository, running_hub
from test_bad_input import data_blocks
from tiny_models import tiny_depth_anything, tiny_dpt, tiny_onnx

from face_depth_addon.blender import panel, running, worker
from face_depth_addon.blender.models import panel_models
from face_depth_addon.blender.models.choice import (
    MODEL_FILE,
    MODEL_FOLDER,
    chosen_model,
    takes_fit,
    takes_steps,
)
from face_depth_addon.blender.models.ops_download import FACEDEPTH_OT_download_model, question
from face_depth_addon.blender.models.presence import forget
from face_depth_addon.blender.ops_reconstruct import FACEDEPTH_OT_reconstruct
from face_depth_addon.blender.preferences import PACKAGE, worker_settings
from face_depth_addon.blender.presets import FACEDEPTH_MT_presets
from face_depth_addon.inference.cards import BUNDLED, read_cards

pytestmark = pytest.mark.usefixtures("nothing_downloaded")

#: A model of the Hub with one size, and not the largest.
HUB = read_cards()["dpt-swinv2-tiny-256"]
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
TIMER = SimpleNamespace(type='TIMER', value='NOTHING')
ESC = SimpleNamespace(type='ESC', value='PRESS')


@pytest.fixture
def nothing_downloaded(empty_scene, tmp_path, monkeypatch):
    """An empty cache of the Hub, for this process and for workers that start now."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    worker.close()
    forget()
    yield
    worker.close()
    forget()


@pytest.fixture
def preferences():
    """The preferences of the add-on, as if it had been enabled."""
    addon = bpy.context.preferences.addons.new()
    addon.module = PACKAGE
    yield addon.preferences
    bpy.context.preferences.addons.remove(addon)


@pytest.fixture
def settings():
    return bpy.context.scene.face_depth


@pytest.fixture
def online():
    """Blender with its user's permission to use the network."""
    system = bpy.context.preferences.system
    system.use_online_access = True
    yield
    system.use_online_access = False


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub on this machine that offers the model, with few weights."""
    torch.manual_seed(3)
    model = tiny_dpt(tmp_path / "offered")
    files = {name: (model / name).read_bytes() for name in FILES}
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        server.repositories[HUB.repository] = Repository(files, commit=HUB.revision)
        yield server


def reconstruct(photo, **properties) -> np.ndarray:
    """Vertices of the mesh."""
    properties = {"resolution": 64, **properties}
    assert bpy.ops.face_depth.reconstruct(filepath=str(photo), **properties) == {'FINISHED'}
    mesh = bpy.context.object.data
    at = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.attributes["position"].data.foreach_get("vector", at.ravel())
    return at


def refused(operator, **properties) -> str:
    """Run an operator, which must say one sentence and change nothing; the sentence."""
    before = data_blocks()
    with pytest.raises(RuntimeError) as caught:
        operator(**properties)
    assert data_blocks() == before
    said = str(caught.value).strip()
    assert "\n" not in said and "Traceback" not in said
    return said.removeprefix("Error: ")


# --- The panel -------------------------------------------------------------------------------


class Drawn:
    """Takes the place of a layout, which Blender gives to windows only; keeps what was drawn."""

    def __init__(self):
        self.labels, self.props, self.buttons, self.menus = [], [], [], []

    def label(self, text="", icon='NONE', translate=True):
        self.labels.append((text, icon))

    def prop(self, owner, name, **_):
        # As Blender does, refuse what is not there.
        getattr(owner, name)
        self.props.append(name)

    def operator(self, name, **_):
        self.buttons.append(name)
        return SimpleNamespace()

    def menu(self, _name, text="", **_):
        self.menus.append(text)

    def _itself(self, *_, **__):
        return self

    column = row = box = _itself

    def template_ID(self, *_, **__):
        pass

    @property
    def text(self) -> str:
        return " ".join(text for text, _ in self.labels)


def drawn(panel_class) -> Drawn:
    layout = Drawn()
    context = SimpleNamespace(
        scene=bpy.context.scene, object=None, screen=None, region=SimpleNamespace(width=300),
        preferences=SimpleNamespace(
            addons=bpy.context.preferences.addons, system=SimpleNamespace(ui_scale=1.0)
        ),
    )
    panel_class.draw(SimpleNamespace(layout=layout), context)
    return layout


def test_panel_says_what_the_bundled_model_is(settings):
    shown = drawn(panel_models.FACEDEPTH_PT_model)
    assert "The best shape" in shown.text and "Licence: Apache-2.0" in shown.text
    assert "Comes with Face Depth" in shown.text and "commercial" not in shown.text
    assert shown.buttons == []
    assert not {"steps", "ensemble", "seed", "fit"} & set(shown.props)
    settings.image = bpy.data.images.new("photo", 8, 8)
    assert drawn(panel.FACEDEPTH_PT_main).text == "Face DPT, about 157,000 vertices"


def test_panel_warns_of_a_model_that_is_missing_and_not_for_commerce(settings):
    settings.model = "depth-pro"
    shown = drawn(panel_models.FACEDEPTH_PT_model)
    assert "not for commercial use" in shown.text and "1.9 GB" in shown.text
    (warning,) = [icon for text, icon in shown.labels if text.startswith("Licence")]
    assert warning == 'ERROR'
    assert "Not on this machine" in shown.text
    assert "inutes without a graphics card" in shown.text
    assert shown.buttons == ["face_depth.download_model", "wm.url_open"]
    assert "fit" in shown.props
    assert "Open a photo" in drawn(panel.FACEDEPTH_PT_main).text
    settings.image = bpy.data.images.new("photo", 8, 8)
    main = drawn(panel.FACEDEPTH_PT_main)
    assert main.text == "Depth Pro is not on this machine: see Model below"


@pytest.mark.parametrize("name", read_cards())
def test_panel_can_tell_of_every_model(settings, name):
    settings.model = name
    card = read_cards()[name]
    shown = drawn(panel_models.FACEDEPTH_PT_model)
    assert card.good_at in shown.text and card.licence in shown.text
    props = set(shown.props)
    assert ({"steps", "ensemble", "seed"} <= props) == (card.source == "marigold")
    assert ("fit" in props) == (card.settings.get("output") == "metres")


def test_panel_of_a_model_of_ones_own(settings, tmp_path):
    settings.model = MODEL_FOLDER
    assert "Choose it above" in drawn(panel_models.FACEDEPTH_PT_model).text
    settings.model_folder = str(tmp_path / "mine")
    text = drawn(panel_models.FACEDEPTH_PT_model).text
    assert "There is nothing at this place" in text and "mine" in text.replace(" ", "")
    (tmp_path / "mine").mkdir()
    assert "nothing" not in drawn(panel_models.FACEDEPTH_PT_model).text
    assert takes_fit(settings) and not takes_steps(settings)
    (tmp_path / "mine" / "model_index.json").write_text("{}")
    assert takes_steps(settings)
    settings.model = MODEL_FILE
    assert takes_fit(settings) and not takes_steps(settings)
    assert "model_file" in drawn(panel_models.FACEDEPTH_PT_model).props


def test_presets_set_the_panel_and_their_menu_names_them(settings):
    def named() -> str:
        return drawn(panel.FACEDEPTH_PT_main).menus[0]

    assert named() == "Portrait"
    for name, title in (
        ('FAST', "Fast"), ('HIGH_DETAIL', "High Detail"), ('PRINT_RELIEF', "Print Relief"),
    ):
        assert bpy.ops.face_depth.apply_preset(preset=name) == {'FINISHED'}
        assert named() == title
    assert (settings.resolution, settings.projection) == (1024, 'RELIEF')
    assert settings.strength < 1.0 and settings.model == BUNDLED
    settings.resolution = 700
    assert named() == "Presets"
    bpy.ops.face_depth.apply_preset(preset='PORTRAIT')
    assert settings.resolution == 512 and settings.strength == 1.0


def test_own_presets_are_kept(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("BLENDER_USER_SCRIPTS", str(tmp_path))
    # Blender has the menu bear the name of the last preset.
    monkeypatch.setattr(FACEDEPTH_MT_presets, "bl_label", "Presets")
    settings.resolution, settings.region = 300, 'HEAD'
    assert bpy.ops.face_depth.preset_add(name="My Heads") == {'FINISHED'}
    (kept,) = tmp_path.rglob("*.py")
    bpy.ops.face_depth.apply_preset(preset='PORTRAIT')
    bpy.ops.script.execute_preset(filepath=str(kept), menu_idname="FACEDEPTH_MT_presets")
    assert (settings.resolution, settings.region) == (300, 'HEAD')


def test_buttons_are_grey_without_the_model(settings):
    settings.model = "depth-pro"
    for name in ("reconstruct", "fuse_photos"):
        operator = getattr(bpy.ops.face_depth, name)
        assert not operator.poll()
        assert (
            "Depth Pro is not on this machine: download it under Model, or choose another"
            in refused(operator)
        )
    settings.model = "facemesh"
    assert bpy.ops.face_depth.reconstruct.poll()


def test_models_that_are_here_can_be_ticked(settings, preferences, tmp_path):
    before = drawn(panel_models.FACEDEPTH_PT_compare).props
    assert "use_face_dpt" in before and "use_depth_pro" not in before
    tiny_dpt(tmp_path / "own" / "dpt-large")
    preferences.models_folder = str(tmp_path / "own")
    forget()
    assert set(drawn(panel_models.FACEDEPTH_PT_compare).props) - set(before) == {"use_dpt_large"}
    assert not settings.compare.use_dpt_large and settings.compare.use_face_dpt


# --- How models run --------------------------------------------------------------------------


def test_preferences_name_the_folder_and_the_precision(
    settings, preferences, astronaut, tmp_path
):
    torch.manual_seed(3)
    tiny_depth_anything(tmp_path / "own" / "depth-anything-small")
    settings.model = "depth-anything-small"
    assert not bpy.ops.face_depth.reconstruct.poll()
    preferences.models_folder = str(tmp_path / "own")
    assert worker_settings(bpy.context).models == str(tmp_path / "own")
    forget()
    assert bpy.ops.face_depth.reconstruct.poll()
    exact = reconstruct(astronaut, model="depth-anything-small")
    assert bpy.context.object["face_depth_model"] == "depth-anything-small"
    preferences.precision = 'bfloat16'
    rough = reconstruct(astronaut, model="depth-anything-small")
    assert 0.0 < np.abs(rough - exact).max() < 0.1


def test_fit_makes_a_metric_model_as_deep_as_the_face(astronaut, tmp_path, capfd):
    torch.manual_seed(3)
    folder = str(tiny_depth_anything(tmp_path / "metric", metric=True))
    own = reconstruct(astronaut, model=MODEL_FOLDER, model_folder=folder)
    said = capfd.readouterr().out
    # With random weights it cannot see a face, and that is told.
    assert "Warning: metric " in said and "metric" in bpy.context.object["face_depth_model"]
    fitted = reconstruct(astronaut, model=MODEL_FOLDER, model_folder=folder, fit=True)
    assert not np.allclose(np.ptp(own[:, 1]), np.ptp(fitted[:, 1]), rtol=0.05)


def test_onnx_file_beside_the_blend(astronaut, tmp_path):
    pytest.importorskip("onnxruntime")
    tiny_onnx(tmp_path / "mine.onnx")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert np.ptp(reconstruct(astronaut, model=MODEL_FILE, model_file="//mine.onnx")[:, 1]) > 0.005
    assert bpy.context.object["face_depth_model"] == str(tmp_path / "mine.onnx")


def test_no_file_is_one_sentence(astronaut):
    said = refused(bpy.ops.face_depth.reconstruct, filepath=str(astronaut), model=MODEL_FILE)
    assert said == "No ONNX file of a depth model is chosen."


def test_panel_settings_reach_the_operator(settings, astronaut, tmp_path, monkeypatch):
    folder = str(tiny_depth_anything(tmp_path / "metric", metric=True))
    settings.model, settings.model_folder, settings.fit = MODEL_FOLDER, folder, True
    settings.resolution = 64
    settings.image = bpy.data.images.load(str(astronaut))

    def invoked(self, context):
        self.adopt_panel(context)
        return running.RunningOperator.execute(self, context)

    # Without a window, Blender invokes nothing.
    with monkeypatch.context() as patch:
        patch.setattr(FACEDEPTH_OT_reconstruct, "execute", invoked)
        assert bpy.ops.face_depth.reconstruct() == {'FINISHED'}
    by_panel = np.array([vertex.co for vertex in bpy.context.object.data.vertices])
    by_name = reconstruct(astronaut, model=MODEL_FOLDER, model_folder=folder, fit=True)
    assert np.allclose(by_panel, by_name, atol=1e-5)
    assert chosen_model(bpy.context) == MODEL_FOLDER


# --- The download ----------------------------------------------------------------------------


def download(**properties) -> set[str]:
    return bpy.ops.face_depth.download_model(**properties)


def test_download_needs_the_permission_to_use_the_network(hub):
    assert not bpy.ops.face_depth.download_model.poll()
    said = refused(download, model=HUB.name)
    assert "Allow Online Access in Blender's preferences, under System, first" in said
    assert not hub.asked


def test_downloaded_model_makes_a_mesh(hub, online, settings, astronaut, capfd):
    settings.model = HUB.name
    assert not bpy.ops.face_depth.reconstruct.poll()
    assert bpy.ops.face_depth.download_model('INVOKE_DEFAULT') == {'FINISHED'}
    assert f"{HUB.title} is on this machine now" in capfd.readouterr().out
    assert bpy.ops.face_depth.reconstruct.poll()
    shown = drawn(panel_models.FACEDEPTH_PT_model)
    assert "On this machine" in shown.text and HUB.revision[:8] in shown.text.replace(" ", "")
    assert shown.buttons == ["wm.url_open"]

    asked = len(hub.asked)
    reconstruct(astronaut, model=HUB.name)
    assert len(hub.asked) == asked
    assert refused(download) == f"{HUB.title} is on this machine already."
    assert len(hub.asked) == asked


def test_download_says_what_it_would_do():
    card = read_cards()["depth-pro"]
    texts = dict(question(card))
    whole = " ".join(texts)
    assert "1.9 GB from huggingface.co/apple/DepthPro-hf" in whole
    assert "huggingface" in whole and "not for commercial use" in whole
    assert texts[f"Licence: {card.licence}, not for commercial use"] == 'ERROR'


@pytest.mark.parametrize(("name", "said"), [
    ("face-dpt", "Face DPT comes with Face Depth."),
    ("nothing", "There is no model called nothing to download"),
])
def test_download_of_what_cannot_be_had(online, name, said):
    assert said in refused(download, model=name)


def test_download_failure_is_one_sentence(hub, online):
    hub.repositories[HUB.repository].status = 503
    said = refused(download, model=HUB.name)
    assert said.endswith(".") and not running._running


def tick(operator, until) -> set[str]:
    """Send the timer's events until the operator ends or something is so."""
    deadline = monotonic() + 60.0
    while monotonic() < deadline:
        if until():
            return {'PASS_THROUGH'}
        answer = operator.modal(bpy.context, TIMER)
        if answer != {'PASS_THROUGH'}:
            return answer
        sleep(0.01)
    pytest.fail("it does not end")


def test_stopped_download_goes_on_where_it_was(hub, online, settings, monkeypatch, tmp_path):
    settings.model = HUB.name
    repository = hub.repositories[HUB.repository]
    size = len(repository.files["model.safetensors"])
    repository.hold_after = size // 2
    # Without a window, Blender invokes nothing.
    monkeypatch.setattr(
        FACEDEPTH_OT_download_model, "execute", lambda self, context: self.run_modal(context)
    )
    before = data_blocks()
    assert download() == {'RUNNING_MODAL'}
    operator = running._running[0]
    assert refused(bpy.ops.face_depth.download_model).endswith("press Esc to cancel it")
    tick(operator, lambda: any(
        file.stat().st_size == size // 2 for file in tmp_path.rglob("*.incomplete")
    ))
    assert operator.modal(bpy.context, ESC) == {'CANCELLED'}
    assert not running._running and data_blocks() == before
    text = drawn(panel_models.FACEDEPTH_PT_model).text
    assert "The download is not finished" in text

    repository.hold_after = 0
    repository.released.set()
    assert download() == {'RUNNING_MODAL'}
    assert tick(running._running[0], lambda: False) == {'FINISHED'}
    assert "The download is not finished" not in drawn(panel_models.FACEDEPTH_PT_model).text
    assert [asked.range for asked in hub.bodies(HUB.repository)] == ["", f"bytes={size // 2}-"]
