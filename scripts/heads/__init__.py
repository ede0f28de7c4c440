# SPDX-License-Identifier: GPL-3.0-or-later
"""People made of free parts, rendered with exact depth: the generator behind ``dataset.py``."""
