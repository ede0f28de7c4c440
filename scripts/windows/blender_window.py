# SPDX-License-Identifier: GPL-3.0-or-later
"""One Blender on the desktop: what it says of itself, and hands on what it shows."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .desktop import SIZE, Box, Desktop, find
from .rooms import CHECKOUT, HOME, ended

_RECONSTRUCT = "FACE_DEPTH_OT_reconstruct"
_CHECK = "FACE_DEPTH_OT_self_check"

_OBSERVED = f"{HOME}/observed.json"
_OBSERVER = f"{CHECKOUT}/scripts/windows/observer.py"
_LOG = f"{HOME}/blender.log"
# Width of the sidebar's column of tabs, and of the scroll bar inside it.
_TABS = 24
_WHEEL_TO_THE_TOP = 60


class StepError(Exception):
    """Blender did not do what a step expects; the message is one sentence."""


class BlenderWindow:
    """A Blender that runs, or has ended.

    Parameters
    ----------
    desk : Desktop
    process : subprocess.Popen
    """

    def __init__(self, desk: Desktop, process: subprocess.Popen):
        self.desk = desk
        self.process = process

    def facts(self) -> dict:
        """What `observer.py` has last written down.

        Raises
        ------
        StepError
            Blender has ended.
        """
        if self.process.poll() is not None:
            last = self.log()[-1:] or ["no output"]
            raise StepError(f"Blender ended with {self.process.returncode}: {last[0]}")
        try:
            return json.loads(self.desk.room.path(_OBSERVED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def log(self) -> list[str]:
        """The lines that Blender has written to its terminal."""
        text = self.desk.room.path(_LOG).read_text(encoding="utf-8", errors="replace")
        return text.strip().splitlines()

    def wait(self, expected: str, condition: Callable[[dict], object], seconds: float) -> dict:
        """The facts as soon as they fulfil a condition.

        Raises
        ------
        StepError
            They did not within that time; ``expected`` completes "Expected that ...".
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            facts = self.facts()
            if facts and condition(facts):
                return facts
            time.sleep(0.05)
        raise StepError(f"Expected that {expected} within {seconds:.0f} s.")

    def settle(self) -> dict:
        """The facts after a click or a key has had time to work."""
        before = self.facts()["tick"]
        return self.wait("Blender goes on", lambda facts: facts["tick"] > before + 3, 60)

    def viewport(self) -> Box:
        """The main region of the 3D viewport, less what the sidebar covers."""
        regions = self._viewport_area()["regions"]
        left, top, _, height = regions["TOOLS"]
        return Box(left + 60, top, regions["UI"][0] - left - 60, height)

    def sidebar(self) -> Box:
        """The 3D viewport's sidebar without its tabs."""
        x, y, width, height = self._viewport_area()["regions"]["UI"]
        return Box(x, y, width - _TABS, height)

    def tabs(self) -> Box:
        """The column of the sidebar's tabs."""
        x, y, width, height = self._viewport_area()["regions"]["UI"]
        return Box(x + width - _TABS, y, _TABS, height)

    def status_bar(self) -> Box:
        """The line at the window's bottom."""
        return Box(0, SIZE[1] - 24, SIZE[0], 24)

    def browser(self) -> None:
        """Wait until the file browser takes the keys.

        Raises
        ------
        StepError
        """
        self.wait("the file browser opens", lambda facts: len(facts["windows"]) == 2, 15)
        end = time.monotonic() + 10
        while self._covers_the_screen():
            if time.monotonic() > end:
                raise StepError("Expected that the file browser takes the keys within 10 s.")
            time.sleep(0.1)
        self.settle()

    def browser_part(self, name: str) -> Box:
        """A region of the file browser, by Blender's name."""
        corner = self.desk.window_box()
        area = self.facts()["windows"][1]["areas"][0]
        x, y, width, height = area["regions"][name]
        return Box(corner.x + x, corner.y + y, width, height)

    def click_word(self, text: str, box: Box) -> None:
        """Click words in some part of the screen.

        Raises
        ------
        StepError
        """
        end = time.monotonic() + 10
        while not (places := find(self.desk.read(box), text)):
            if time.monotonic() > end:
                raise StepError(f"Expected to read {text} on the screen.")
        self.desk.click(*places[-1].centre)

    def label(self, text: str, below: str | None = None) -> Box:
        """Where a label of the sidebar stands, scrolled to if need be.

        Parameters
        ----------
        text : str
        below : str or None
            The title of the panel that has the label.

        Raises
        ------
        StepError
        """
        box = self.sidebar()
        for turn in range(12):
            words = self.desk.read(box, self.desk.still_picture(box))
            least = box.y
            if below is not None:
                titles = find(words, below)
                least = titles[0].y + titles[0].height if titles else box.y + box.height
            for place in find(words, text):
                if place.y >= least:
                    return place
            self.desk.scroll(*box.centre, 4 if turn else -_WHEEL_TO_THE_TOP)
        where = f" below {below}" if below else ""
        raise StepError(f"Expected to read {text}{where} in the sidebar.")

    def click_label(self, text: str, below: str | None = None) -> None:
        """Click what has a label in the sidebar."""
        self.desk.click(*self.label(text, below).centre)

    def field(self, text: str, below: str | None = None) -> Box:
        """The field to the right of a label in the sidebar."""
        label, box = self.label(text, below), self.sidebar()
        left = box.x + round(box.width * 0.46)
        return Box(left, label.y, box.x + box.width - 20 - left, label.height)

    def _covers_the_screen(self) -> bool:
        box = self.desk.window_box()
        return (box.width, box.height) == SIZE

    def _viewport_area(self) -> dict:
        return next(
            area for area in self.facts()["windows"][0]["areas"] if area["type"] == "VIEW_3D"
        )


@contextmanager
def blender_window(desk: Desktop, *words: str) -> Iterator[BlenderWindow]:
    """Blender in a window that fills the screen, offline; ended with the block at the latest."""
    desk.room.path(_OBSERVED).unlink(missing_ok=True)
    command = desk.room.command(
        ["blender", "--window-geometry", "0", "0", *map(str, SIZE), *words, "--python", _OBSERVER],
        {**desk.variables, "FACE_DEPTH_OBSERVED": _OBSERVED},
    )
    with (
        open(desk.room.path(_LOG), "w") as log,
        ended(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)) as process,
    ):
        window = BlenderWindow(desk, process)
        window.wait("Blender's window opens", lambda facts: facts["tick"] > 10, 120)
        yield window


def running(facts: dict) -> bool:
    """Whether a reconstruction goes on."""
    return _RECONSTRUCT in facts["windows"][0]["modal"]


def checking(facts: dict) -> bool:
    """Whether the self-check goes on."""
    return any(_CHECK in window["modal"] for window in facts["windows"])


def view(facts: dict) -> list[float]:
    """How the 3D viewport is turned."""
    return next(
        area["view"] for area in facts["windows"][0]["areas"] if area["type"] == "VIEW_3D"
    )
