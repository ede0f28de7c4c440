# SPDX-License-Identifier: GPL-3.0-or-later
"""Several photos of one head as one object in the scene."""
