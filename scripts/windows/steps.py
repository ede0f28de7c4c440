# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does with Face Depth in a window, and what they should see come of it."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .blender_window import (
    BlenderWindow,
    StepError,
    blender_window,
    checking,
    running,
    view,
)
from .desktop import Desktop, find
from .rooms import HOME, RoomError

PHOTO = "astronaut.png"

_MESH = "astronaut"
_FILE = "face.blend"
_WORKER = "worker_main"
_SCRATCH = "face-depth-*"
_BUTTON = "Reconstruct Face"
_EDIT = "Smooth and Clean Up"
_PANELS = (
    "Options",
    "Model", "Compare Models", "Several Photos", "Detail", "Topology and Head", "Point Cloud",
    "Depth In and Out", "3D Print",
)
_COMPLAINTS = ("Traceback", "Error", "rna_ui")
_NARROWER = 100
_ABSENT = "Depth Pro"
# Newer ones look for their asset library, which cannot be reached.
_BLENDERS_OWN = "extensions.blender.org"
_PERCENT = re.compile(r"(\d+)\s*%")


class Visit:
    """One person's use of Blender, with a picture of each step.

    Parameters
    ----------
    desk : Desktop
    shots : Path
        Folder for the pictures; it is made, and earlier pictures go.
    say : callable
        Takes a line of what was seen.
    """

    def __init__(self, desk: Desktop, shots: Path, say: Callable[[str], None]):
        self.desk, self.shots, self.say = desk, shots, say
        shots.mkdir(parents=True, exist_ok=True)
        for earlier in shots.glob("[0-9][0-9]-*.png"):
            earlier.unlink()
        self._count = 0
        self._window: BlenderWindow | None = None

    def make_a_face(self) -> None:
        """From a fresh start to a saved file.

        Raises
        ------
        StepError
        """
        self._in_blender((), (
            self.start, self.open_tab, self.choose_photo, self.reconstruct, self.cancel,
            self.undo_and_redo, self.drag_slider, self.clean_up, self.smooth, self.save, self.end,
        ))

    def return_to_it(self) -> None:
        """From the saved file to a window that is closed in the middle of a job.

        Raises
        ------
        StepError
        """
        self._in_blender((f"{HOME}/{_FILE}",), (
            self.start_again, self.drag_slider, self.open_panels, self.make_narrow,
            self.check_itself, self.ask_to_download, self.choose_preset, self.save_again,
            self.close_while_it_runs,
        ))

    def read_german(self) -> None:
        """The panel in another language.

        Raises
        ------
        StepError
        """
        self._in_blender((f"{HOME}/{_FILE}",), (self.look_at_german, self.end))

    def start(self, window: BlenderWindow) -> None:
        facts = window.facts()
        self.say(f"Blender {'.'.join(map(str, facts['version']))}")
        if facts["heavy"]:
            raise StepError(f"Expected a light start, but {', '.join(facts['heavy'])} is loaded.")

    def open_tab(self, window: BlenderWindow) -> None:
        self.desk.move(*window.viewport().centre)
        self.desk.key("n")
        window.wait("N opens the sidebar", lambda _: window.sidebar().width > 100, 10)
        window.settle()
        places = find(self.desk.read(window.tabs(), downwards=True, background=70), "Face Depth")
        if not places:
            raise StepError("Expected a tab Face Depth in the sidebar.")
        self.desk.click(*places[0].centre)
        window.label(_BUTTON)

    def choose_photo(self, window: BlenderWindow) -> None:
        window.click_label("Open")
        window.browser()
        window.click_word(PHOTO, window.browser_part("WINDOW"))
        self.picture("file-browser")
        window.click_word("Open Image", window.browser_part("EXECUTE"))
        window.wait(
            "the photo is opened",
            lambda facts: PHOTO in facts["images"] and len(facts["windows"]) == 1, 15,
        )
        window.settle()

    def reconstruct(self, window: BlenderWindow) -> None:
        window.click_label(_BUTTON)
        began = time.monotonic()
        window.wait("a click starts the reconstruction", running, 10)
        views, percents = set(), []
        while running(facts := window.facts()):
            views.add(tuple(view(facts)))
            self.orbit(window, 60 if len(views) % 2 else -60)
            shown = self.desk.picture()
            words = self.desk.read(window.status_bar(), shown, background=50)
            if found := _PERCENT.search(" ".join(word.text for word in words)):
                percents.append(int(found[1]))
                if len(percents) == 2:
                    self.picture("progress", shown)
            if time.monotonic() > began + 180:
                raise StepError("Expected the mesh within 180 s.")
        facts = window.wait("the mesh is there", lambda facts: _MESH in facts["objects"], 10)
        if len(views) < 2:
            raise StepError("Expected that the view turns while the reconstruction goes on.")
        if not percents:
            raise StepError("Expected to read the progress in the status bar.")
        vertices = facts["objects"][_MESH]["vertices"]
        self.say(
            f"{vertices:,} vertices after {time.monotonic() - began:.1f} s, {len(views)} views "
            f"meanwhile, progress read: {', '.join(f'{part} %' for part in percents)}"
        )
        window.settle()
        # From the front, and a little from the side.
        self.desk.key("KP_1")
        window.settle()
        self.orbit(window, -60)
        window.settle()

    def cancel(self, window: BlenderWindow) -> None:
        before = window.facts()["objects"]
        window.click_label(_BUTTON)
        window.wait("a click starts the reconstruction", running, 10)
        self.desk.key("Escape")
        window.wait("Esc ends it", lambda facts: not running(facts), 20)
        if window.settle()["objects"] != before:
            raise StepError("Expected that a cancelled reconstruction changes nothing.")

    def undo_and_redo(self, window: BlenderWindow) -> None:
        before = window.facts()["objects"]
        self.desk.move(*window.viewport().centre)
        self.desk.key("ctrl+z")
        window.wait("Ctrl Z takes the mesh away", lambda facts: _MESH not in facts["objects"], 20)
        self.picture("undone")
        self.desk.key("ctrl+shift+z")
        window.wait(
            "Ctrl Shift Z brings the same mesh back", lambda facts: facts["objects"] == before, 20
        )

    def drag_slider(self, window: BlenderWindow) -> None:
        field = window.field("Strength", below="Shape")
        before = self.surface(window)
        seen = {before}
        end = time.monotonic() + 90
        with self.desk.dragging(*field.centre):
            # To and fro, since there is a limit on either side.
            for turn in range(1000):
                self.desk.nudge(3 if turn // 12 % 2 else -3, 0)
                time.sleep(0.3)
                seen.add(self.surface(window))
                if len(seen) > 4 or time.monotonic() > end:
                    break
        if len(seen) < 3:
            raise StepError("Expected that the mesh follows the slider while it is dragged.")
        self.say(f"{len(seen) - 1} shapes while Strength was dragged")
        window.settle()
        self.picture("dragged")
        self.desk.move(*window.viewport().centre)
        self.desk.key("ctrl+z")
        window.wait(
            "Ctrl Z puts the slider back",
            lambda facts: facts["objects"][_MESH]["checksum"] == before, 20,
        )

    def clean_up(self, window: BlenderWindow) -> None:
        window.click_label(_EDIT)
        self.change(window, "Clean Up")

    def smooth(self, window: BlenderWindow) -> None:
        self.change(window, "Smooth")

    def save(self, window: BlenderWindow) -> None:
        self.desk.move(*window.viewport().centre)
        self.desk.key("ctrl+s")
        window.browser()
        line = window.browser_part("EXECUTE")
        for _ in range(2):
            self.desk.click(line.x + 200, line.centre[1])
        self.desk.key("ctrl+a")
        self.desk.write(_FILE)
        self.desk.key("Return")
        window.click_word("Save Blender File", line)
        window.wait(
            f"{_FILE} is saved",
            lambda facts: facts["file"] == f"{HOME}/{_FILE}" and len(facts["windows"]) == 1, 30,
        )
        window.settle()

    def end(self, window: BlenderWindow) -> None:
        self.picture("saved")
        self.desk.move(*window.viewport().centre)
        self.desk.key("ctrl+q")
        self.is_over(window)

    def start_again(self, window: BlenderWindow) -> None:
        if _MESH not in window.facts()["objects"]:
            raise StepError("Expected the mesh in the file that is opened again.")
        window.label("Strength", below="Shape")

    def open_panels(self, window: BlenderWindow) -> None:
        for title in ("Shape", _EDIT):
            window.click_label(title)
        for title in _PANELS:
            window.click_label(title, below=_BUTTON)
            window.settle()
            self.desk.move(*window.viewport().centre)
            self.picture(f"panel-{title.lower().replace(' ', '-')}")
            window.click_label(title, below=_BUTTON)

    def make_narrow(self, window: BlenderWindow) -> None:
        """Drag the sidebar's edge to and fro."""
        window.click_label(_EDIT, below=_BUTTON)
        wide = window.sidebar().width
        # The edge takes the pointer on a few pixels, which are not the same in every Blender.
        for beside in (0, 3, -3, 6, -6):
            self._drag_edge(window, beside, _NARROWER)
            if window.sidebar().width < wide - _NARROWER // 2:
                break
        else:
            raise StepError("Expected a narrower sidebar.")
        self.picture("narrow")
        self._drag_edge(window, beside, -_NARROWER)
        window.click_label(_EDIT, below=_BUTTON)

    def _drag_edge(self, window: BlenderWindow, beside: int, pixels: int) -> None:
        edge = window.sidebar()
        with self.desk.dragging(edge.x + beside, edge.centre[1]):
            for _ in range(abs(pixels) // 10):
                self.desk.nudge(10 if pixels > 0 else -10, 0)
        window.settle()

    def check_itself(self, window: BlenderWindow) -> None:
        """Open the preferences by the panel's button, and click Self-Check there."""
        title = window.label("Face Depth")
        self.desk.click(window.sidebar().x + window.sidebar().width - 38, title.centre[1])
        window.wait("the preferences open", lambda facts: len(facts["windows"]) == 2, 15)
        window.settle()
        window.click_word("Self-Check", window.browser_part("WINDOW"))
        window.wait("the check runs", lambda facts: checking(facts), 10)
        window.wait("the check ends", lambda facts: not checking(facts), 90)
        window.settle()
        self.picture("preferences")
        self.desk.key("alt+F4")
        window.wait("the preferences close", lambda facts: len(facts["windows"]) == 1, 15)

    def ask_to_download(self, window: BlenderWindow) -> None:
        """Choose a model that is not here, and see what is asked before it is fetched."""
        window.click_label("Model", below=_BUTTON)
        self.desk.click(*window.field("Model", below="Model").centre)
        window.settle()
        self.picture("models")
        window.click_word(_ABSENT, self.desk.screen())
        window.settle()
        window.click_label("Download Model", below="Model")
        window.settle()
        self.picture("download")
        window.click_word("Licence", self.desk.screen())
        self.desk.key("Escape")
        window.settle()

    def choose_preset(self, window: BlenderWindow) -> None:
        # "Reset Shape" is like it, and further down.
        window.label("Face Depth")
        window.click_label("Presets")
        window.settle()
        self.picture("presets")
        window.click_word("Portrait", self.desk.screen())
        window.settle()
        window.label("Portrait")

    def look_at_german(self, window: BlenderWindow) -> None:
        window.label("rekonstruieren")

    def save_again(self, window: BlenderWindow) -> None:
        self.desk.move(*window.viewport().centre)
        self.desk.key("ctrl+s")
        window.wait("the file is saved", lambda facts: not facts["unsaved"], 30)

    def close_while_it_runs(self, window: BlenderWindow) -> None:
        window.click_label(_BUTTON)
        window.wait("a click starts the reconstruction", running, 10)
        if not self.desk.room.processes(_WORKER):
            raise StepError("Expected that a worker process runs.")
        window.settle()
        self.picture("about-to-close")
        if not running(window.facts()):
            raise StepError("Expected that the reconstruction takes longer than a picture of it.")
        self.desk.key("alt+F4")
        self.is_over(window)

    def orbit(self, window: BlenderWindow, pixels: int) -> None:
        """Turn the view with the middle button."""
        with self.desk.dragging(*window.viewport().centre, button=2):
            for _ in range(10):
                self.desk.nudge(pixels // 10, 0)

    def change(self, window: BlenderWindow, label: str) -> None:
        """Click a tool of the panel of edits, and see that the mesh has changed."""
        before = self.surface(window)
        window.click_label(label, below=_EDIT)
        facts = window.wait(
            f"{label} changes the mesh",
            lambda facts: facts["objects"][_MESH]["checksum"] != before, 60,
        )
        self.say(f"{label}: {facts['objects'][_MESH]['vertices']:,} vertices")
        window.settle()

    def surface(self, window: BlenderWindow) -> int:
        """A number for the mesh's shape."""
        return window.facts()["objects"][_MESH]["checksum"]

    def is_over(self, window: BlenderWindow) -> None:
        """Blender ends well, and so does all that it has started."""
        try:
            code = window.process.wait(30)
        except subprocess.TimeoutExpired:
            raise StepError("Expected that Blender ends within 30 s.") from None
        if code:
            raise StepError(f"Expected that Blender ends without an error, not with {code}.")
        ended = time.monotonic()
        room = self.desk.room
        while room.processes(_WORKER):
            if time.monotonic() > ended + 5:
                raise StepError("Expected that no worker is left 5 s after Blender's end.")
            time.sleep(0.1)
        self.say(f"no worker is left {time.monotonic() - ended:.1f} s after Blender's end")
        for line in window.log():
            if _BLENDERS_OWN not in line and any(word in line for word in _COMPLAINTS):
                raise StepError(f"Expected no complaints from Blender, not: {line}")
        if left := list(room.path("/tmp").glob(_SCRATCH)):
            raise StepError(f"Expected no temporary files, but there is {left[0].name}.")

    def picture(self, name: str, shown=None) -> None:
        """Keep what the screen shows, under the next number."""
        self._count += 1
        (shown or self.desk.picture()).save(self.shots / f"{self._count:02d}-{name}.png")

    def _in_blender(
        self, words: tuple[str, ...], steps: tuple[Callable[[BlenderWindow], None], ...]
    ) -> None:
        with blender_window(self.desk, *words) as window:
            for step in steps:
                name = step.__name__.replace("_", "-")
                try:
                    step(window)
                except (StepError, RoomError) as error:
                    self.picture(f"{name}-failed")
                    raise StepError(f"{name}: {error}") from error
                if window.process.poll() is None:
                    window.settle()
                    self.picture(name)
