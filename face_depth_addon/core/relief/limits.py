# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that panels need before any surface is built."""

from math import radians

#: Steeper than this, in radians, a relief is a sheet between what is near and what is far.
SHEET_ANGLE = radians(86.0)
