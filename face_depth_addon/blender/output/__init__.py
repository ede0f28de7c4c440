# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as files: 3D formats, web pages, previews, prints."""
