# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps in and out, and painting on them."""
