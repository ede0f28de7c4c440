# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Blender windows, driven with mouse and keys: the parts of scripts/window_test.py."""
