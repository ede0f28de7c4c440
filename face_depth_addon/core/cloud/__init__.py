# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloured point clouds and surfaces through them."""
