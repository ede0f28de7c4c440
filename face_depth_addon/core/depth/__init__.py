# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps as files, and what their numbers mean."""
