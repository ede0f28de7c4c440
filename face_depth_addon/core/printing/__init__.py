# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed bodies for 3D printers."""
