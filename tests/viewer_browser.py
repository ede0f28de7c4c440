# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium without a window, driven over a pipe with the DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Self

import cv2
import numpy as np

_NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable", "google-chrome-for-testing", "microsoft-edge",
)
# WebGL in software, the same on every machine, and nothing of the browser's own business.
_FLAGS = (
    "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio",
    "--disable-breakpad", "--force-color-profile=srgb", "--hide-scrollbars",
)
_PATIENCE = 240.0
# The browser reads its orders from 3 and answers to 4.
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_KEYS = {
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "Tab": 9,
    "Enter": 13,
}


def find_browser() -> str | None:
    """A Chromium that can be driven here; None if there is none."""
    # The browser inherits its pipe by number, which Windows does not know.
    if sys.platform == "win32":
        return None
    return next(filter(None, map(shutil.which, _NAMES)), None)


def _above(end: int, low: int) -> int:
    """The same end of a pipe under another number, from ``low`` up."""
    import fcntl  # not on Windows

    return fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, low)


class Browser:
    """One tab. ``complaints`` are its console's lines, ``requests`` the addresses it asks for."""

    def __init__(self, *flags: str) -> None:
        self._folder = tempfile.mkdtemp()
        orders, self._out = os.pipe()
        self._in, answers = os.pipe()
        theirs = [_above(orders, 10), _above(answers, 10)]
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", _LAUNCH, *map(str, theirs), find_browser(), *_FLAGS, *flags,
             f"--user-data-dir={self._folder}", "about:blank"],
            pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (orders, answers, *theirs):
            os.close(end)
        self._buffer, self._calls, self._session = b"", 0, {}
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page = next(
            target["targetId"] for target in self._call("Target.getTargets")["targetInfos"]
            if target["type"] == "page"
        )
        attached = self._call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def open(self, url: str) -> None:
        """Leave the page for another, and wait until that is loaded."""
        self._call("Page.navigate", url="about:blank")
        self.complaints.clear()
        self.requests.clear()
        self._call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def js(self, expression: str) -> object:
        """The value of an expression in the page, which may be a promise."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Return when a condition in the page holds."""
        end = time.monotonic() + _PATIENCE
        while not self.js(condition):
            assert time.monotonic() < end, (condition, self.complaints)
            time.sleep(0.02)

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=phone,
        )
        self._call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, **features: str) -> None:
        """Preferences of the user, such as ``prefers_color_scheme="dark"``."""
        self._call("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ])

    def click(self, selector: str) -> None:
        self.drag(self.middle(selector))

    def middle(self, selector: str) -> tuple[float, float]:
        """Where the middle of an element is on the screen."""
        box = self.js(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
                      ".toJSON()")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], by: tuple[float, float] = (0, 0)) -> None:
        """Press the left button, move the mouse and let go."""
        end = start[0] + by[0], start[1] + by[1]
        for kind, (x, y) in (
            ("mouseMoved", start), ("mousePressed", start), ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            self._call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, clickCount=1,
                button="none" if kind == "mouseMoved" and (x, y) == start else "left",
                buttons=int(kind != "mouseReleased"),
            )

    def double_click(self, at: tuple[float, float]) -> None:
        """Click twice within a tenth of a second, however slow the machine is."""
        begun = time.time()
        for event in range(4):
            self._call(
                "Input.dispatchMouseEvent", x=at[0], y=at[1], clickCount=1 + event // 2,
                type="mouseReleased" if event % 2 else "mousePressed", button="left",
                buttons=1 - event % 2, timestamp=begun + 0.03 * event,
            )

    def scroll(self, at: tuple[float, float], down: float) -> None:
        """Turn the mouse's wheel."""
        self._call(
            "Input.dispatchMouseEvent", type="mouseWheel", x=at[0], y=at[1], deltaX=0, deltaY=down
        )

    def touch(self, *fingers: list[tuple[float, float]]) -> None:
        """Put fingers down, move each along its places, and lift them."""
        for step in zip(*fingers, strict=True):
            points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(step)]
            kind = "touchStart" if step == tuple(finger[0] for finger in fingers) else "touchMove"
            self._call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self._call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str) -> None:
        """Type a key where the focus is."""
        text = {"text": key} if len(key) == 1 else {}
        code = _KEYS.get(key, ord(key[0].upper()))
        for kind in ("keyDown", "keyUp"):
            self._call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    def picture(self) -> np.ndarray:
        """What the tab shows: (height, width, 3) uint8, sRGB."""
        shot = self._call("Page.captureScreenshot", format="png", optimizeForSpeed=True)
        data = np.frombuffer(base64.b64decode(shot["data"]), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]

    def _call(self, method: str, **parameters: object) -> dict:
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters, **self._session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer.get("method"), answer.get("params"))

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            more = os.read(self._in, 1 << 20)
            assert more, "the browser has ended"
            self._buffer += more
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, method: str | None, details: dict) -> None:
        if method == "Log.entryAdded":
            self.complaints.append(details["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(details))
        elif method == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
