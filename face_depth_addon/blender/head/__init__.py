# SPDX-License-Identifier: GPL-3.0-or-later
"""Completion, wrapped heads, and other faces for a mesh."""
