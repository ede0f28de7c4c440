# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes, materials, operators and panels: the only place that imports bpy."""
