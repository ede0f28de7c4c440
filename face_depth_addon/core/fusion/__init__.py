# SPDX-License-Identifier: GPL-3.0-or-later
"""Several photos of one head: their poses, one surface, one texture."""
