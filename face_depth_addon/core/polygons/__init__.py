# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygon meshes as index arrays: connectivity, repair, smoothing."""
