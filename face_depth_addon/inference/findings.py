# SPDX-License-Identifier: GPL-3.0-or-later
"""What a self-check finds. Standard library only."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "optional"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state : State
        ``optional`` is missing and not missed by most.
    text : str
        What was found, without a full stop.
    cure : str
        What to do about it, without a full stop; empty where nothing is to be done.
    """

    state: State
    text: str
    cure: str = ""

    @classmethod
    def of_error(cls, error: Exception, state: State = "missing") -> "Finding":
        """What one of our errors says is wrong, and what it says to do."""
        what, _, cure = str(error).rstrip(".").partition(": ")
        return cls(state, what, f"{cure[:1].upper()}{cure[1:]}")

    def line(self) -> str:
        """All of it, for people."""
        mark = {"ok": "ok", "missing": "MISSING", "optional": "optional"}[self.state]
        return f"{mark}: {self.text}" + (f". {self.cure}" if self.cure else "") + "."
