# SPDX-License-Identifier: GPL-3.0-or-later
"""The live sliders of a finished mesh, its layout, camera, backdrop and size."""
