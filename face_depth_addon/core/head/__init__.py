# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole heads: completion by symmetry, and a template wrapped onto photos."""
