# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of photos through the command line's own code, on Ray: the parts of ``batch.py``."""
