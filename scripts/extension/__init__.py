# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of ``scripts/build_extension.py``, which makes installable zips."""


class BuildError(Exception):
    """No zip can be made; the message is one sentence that says why."""
