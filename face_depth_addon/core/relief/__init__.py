# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reconstruction to a mesh: layouts, and what the sliders of a finished mesh do."""
