# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine relief on meshes, and in normal maps."""
