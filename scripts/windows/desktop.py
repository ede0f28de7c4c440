# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen without glass: mouse, keys, pictures, and the words to be read on it."""

import csv
import difflib
import io
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import PIL.Image

from .rooms import HOME, Room, RoomError, ended

SIZE = (1600, 900)

_DISPLAY = ":7"
# Tesseract is made for print; Blender's letters are about eleven pixels tall.
_ENLARGED = 3
_SURE_ENOUGH = 0.75
# No frames, so that a place in a window is a place on the screen, less the window's corner.
_WINDOW_MANAGER = """<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
 <focus><focusNew>yes</focusNew></focus>
 <theme><keepBorder>no</keepBorder></theme>
 <keyboard><keybind key="A-F4"><action name="Close"/></keybind></keyboard>
 <applications><application class="*"><decor>no</decor></application></applications>
</openbox_config>
"""


@dataclass(frozen=True)
class Box:
    """A rectangle on the screen, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def centre(self) -> tuple[int, int]:
        return self.x + self.width // 2, self.y + self.height // 2

    def pixels(self, picture: PIL.Image.Image) -> PIL.Image.Image:
        return picture.crop((self.x, self.y, self.x + self.width, self.y + self.height))


@dataclass(frozen=True)
class Word:
    """What was read at a place, and of which line of text it is a part."""

    text: str
    box: Box
    line: tuple[int, ...]


class Desktop:
    """A running screen in a room, with somebody's hands."""

    def __init__(self, room: Room):
        self.room = room
        self.variables = {"DISPLAY": _DISPLAY}

    def move(self, x: float, y: float) -> None:
        self._hands("mousemove", f"{x:.0f}", f"{y:.0f}")
        time.sleep(0.05)

    def click(self, x: float, y: float, button: int = 1) -> None:
        """Click as a hand does: the pointer rests before, and the button is down for a while."""
        self.move(x, y)
        time.sleep(0.15)
        self._hands("mousedown", str(button))
        time.sleep(0.05)
        self._hands("mouseup", str(button))
        time.sleep(0.15)

    @contextmanager
    def dragging(self, x: float, y: float, button: int = 1) -> Iterator[None]:
        """Hold a button down from a place on; move by `nudge` meanwhile."""
        # Blender takes heed of what lies under the pointer when that moves there.
        self.move(x - 4, y)
        self.nudge(4, 0)
        time.sleep(0.3)
        self._hands("mousedown", str(button))
        try:
            yield
        finally:
            self._hands("mouseup", str(button))
            time.sleep(0.15)

    def nudge(self, x: int, y: int) -> None:
        """Move by so many pixels, also while Blender puts the pointer back each time."""
        self._hands("mousemove_relative", "--", str(x), str(y))
        time.sleep(0.05)

    def scroll(self, x: float, y: float, clicks: int) -> None:
        """Turn the wheel above a place: down where ``clicks`` is positive."""
        self.move(x, y)
        button = "5" if clicks > 0 else "4"
        self._hands("click", "--repeat", str(abs(clicks)), "--delay", "30", button)
        time.sleep(0.3)

    def key(self, name: str) -> None:
        """Press keys by X's names, as in ``ctrl+shift+z``."""
        self._hands("key", name)
        time.sleep(0.15)

    def write(self, text: str) -> None:
        self._hands("type", "--delay", "25", text)
        time.sleep(0.2)

    def window_box(self) -> Box:
        """Where the window is that takes the keys."""
        lines = self._hands("getactivewindow", "getwindowgeometry", "--shell").split()
        values = dict(line.split("=", 1) for line in lines)
        return Box(*(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")))

    def screen(self) -> Box:
        """All of it."""
        return Box(0, 0, *SIZE)

    def picture(self) -> PIL.Image.Image:
        """What the screen shows now."""
        command = self.room.command(["import", "-window", "root", "png:-"], self.variables)
        data = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
        return PIL.Image.open(io.BytesIO(data)).convert("RGB")

    def still_picture(self, box: Box) -> PIL.Image.Image:
        """What the screen shows once nothing moves in a part of it, or after ten seconds."""
        end = time.monotonic() + 10
        last = self.picture()
        while time.monotonic() < end:
            time.sleep(0.2)
            shown = self.picture()
            if box.pixels(shown).tobytes() == box.pixels(last).tobytes():
                break
            last = shown
        return shown

    def read(
        self, box: Box, picture: PIL.Image.Image | None = None, downwards: bool = False,
        background: int = 115,
    ) -> list[Word]:
        """The words in a part of the screen.

        Parameters
        ----------
        box : Box
        picture : PIL.Image.Image or None
            Of the screen; None takes one.
        downwards : bool
            They are written from above to below.
        background : int
            Levels of grey up to this one are no letters. The usual one leaves out the letters
            of what is greyed out, and a button's blue.
        """
        # Letters are near white; Tesseract wants black ones on white.
        levels = [255 - min(max((level - background) * 3, 0), 255) for level in range(256)]
        part = box.pixels(picture or self.picture()).convert("L").point(levels)
        if downwards:
            part = part.transpose(PIL.Image.Transpose.ROTATE_90)
        part = part.resize(
            (part.width * _ENLARGED, part.height * _ENLARGED), PIL.Image.Resampling.LANCZOS
        )
        data = io.BytesIO()
        part.save(data, "png")
        command = self.room.command(
            ["tesseract", "stdin", "stdout", "--dpi", "250", "--psm", "11", "tsv"],
            {"OMP_THREAD_LIMIT": "1"},
        )
        table = subprocess.run(
            command, input=data.getvalue(), capture_output=True, check=True, timeout=120
        ).stdout.decode()
        return [
            _word(row, box, downwards)
            for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
            if row["text"] and row["text"].strip()
        ]

    def _hands(self, *words: str) -> str:
        result = self.room.run(["xdotool", *words], self.variables, timeout=60)
        if result.returncode:
            raise RoomError(f"xdotool {words[0]} failed: {result.stdout.strip()}")
        return result.stdout


@contextmanager
def desktop(room: Room) -> Iterator[Desktop]:
    """A screen with a window manager, for as long as the block takes."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    size = "x".join(map(str, (*SIZE, 24)))
    screen = ["Xvfb", _DISPLAY, "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
    result = Desktop(room)
    with ended(subprocess.Popen(room.command(screen), **quiet)):
        socket = room.path(f"/tmp/.X11-unix/X{_DISPLAY[1:]}")
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.1)
        else:
            raise RoomError("The screen did not start within ten seconds.")
        settings = room.path(f"{HOME}/openbox.xml")
        settings.write_text(_WINDOW_MANAGER, encoding="utf-8")
        manager = ["openbox", "--config-file", f"{HOME}/openbox.xml"]
        with ended(subprocess.Popen(room.command(manager, result.variables), **quiet)):
            time.sleep(1.0)
            yield result


def find(words: list[Word], label: str) -> list[Box]:
    """Where a label stands among the words that were read, from top to bottom.

    A letter of a word may have been misread.
    """
    wanted = label.split()
    places = []
    for _, group in groupby(words, key=lambda word: word.line):
        line = list(group)
        for first in range(len(line) - len(wanted) + 1):
            part = line[first:first + len(wanted)]
            if all(_is_like(word.text, text) for word, text in zip(part, wanted)):
                places.append(_around([word.box for word in part]))
    return sorted(places, key=lambda box: box.y)


def _is_like(read: str, wanted: str) -> bool:
    read, wanted = (
        "".join(letter for letter in text.lower() if letter.isalnum()) for text in (read, wanted)
    )
    return difflib.SequenceMatcher(None, read, wanted).ratio() >= _SURE_ENOUGH


def _around(boxes: list[Box]) -> Box:
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right = max(box.x + box.width for box in boxes)
    bottom = max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _word(row: dict[str, str], around: Box, downwards: bool) -> Word:
    x, y, width, height = (
        round(int(row[name]) / _ENLARGED) for name in ("left", "top", "width", "height")
    )
    if downwards:
        x, y, width, height = around.width - y - height, x, height, width
    line = tuple(int(row[name]) for name in ("block_num", "par_num", "line_num"))
    return Word(row["text"].strip(), Box(around.x + x, around.y + y, width, height), line)
