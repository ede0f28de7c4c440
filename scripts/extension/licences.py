# SPDX-License-Identifier: GPL-3.0-or-later
"""The licences of wheels: known, and such that they go with GPL-3.0-or-later."""

import re

from . import BuildError
from .wheel import Wheel

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "HPND", "ISC", "LGPL-2.1-or-later", "LGPL-3.0-or-later", "MIT",
    "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
    # Of two or three clauses: older wheels do not say which, and both go with the GPL.
    "BSD",
    # Of regular expressions, in Python's own module as well.
    "CNRI-Python",
}  # fmt: skip
# What wheels wrote before there were SPDX expressions, as a text or a classifier.
_OLDER = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0", "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD", "bsd license": "BSD",
    "isc license": "ISC", "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}  # fmt: skip
_CLASSIFIER = "License :: OSI Approved :: "


def licence_of(wheel: Wheel) -> str:
    """The licence of a wheel, as an SPDX expression as far as it says so much.

    Raises
    ------
    BuildError
        It names none, or one that is not among `ALLOWED`.
    """
    fields = wheel.metadata
    named = [
        fields["License-Expression"] or "", fields["License"] or "",
        " AND ".join(
            _modern(line.removeprefix(_CLASSIFIER))
            for line in fields.get_all("Classifier", []) if line.startswith(_CLASSIFIER)
        ),
    ]
    named = [_modern(text) for text in named if text.strip()]
    if not named:
        raise BuildError(f"{wheel} names no licence, so it cannot be put into a zip.")
    for text in named:
        if _is_allowed(text):
            return text
    raise BuildError(
        f"{wheel} is under the licence {named[0].splitlines()[0][:80]}, which is not among those "
        "known to go with GPL-3.0-or-later (scripts/extension/licences.py)."
    )


def table(wheels: list[Wheel]) -> str:
    """The wheels with their licences, as a part of a Markdown file."""
    lines = [
        "", "## Packages in this zip", "",
        "Each is a wheel in `wheels/`, which holds the text of its licence.", "",
        "| package | version | licence |", "|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {wheel.name} | {wheel.version} | {licence_of(wheel)} |"
        for wheel in sorted(wheels, key=lambda wheel: wheel.name.lower())
    ]
    return "\n".join(lines) + "\n"


def _modern(text: str) -> str:
    return _OLDER.get(text.strip().lower(), text.strip())


def _is_allowed(expression: str) -> bool:
    """Whether every term of an SPDX expression is allowed, or one of those joined by OR."""
    inner = re.search(r"\(([^()]*)\)", expression)
    if inner and expression not in ALLOWED:
        value = "0BSD" if _is_allowed(inner[1]) else "no"
        return _is_allowed(expression[:inner.start()] + value + expression[inner.end():])
    return any(
        all(term.strip() in ALLOWED for term in either.split(" AND "))
        for either in expression.split(" OR ")
    )
