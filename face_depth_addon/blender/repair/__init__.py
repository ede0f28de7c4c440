# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean-up and smoothing of meshes."""
