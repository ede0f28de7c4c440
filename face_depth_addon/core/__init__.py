# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos, faces, depth and grids as pure functions on arrays: no bpy, no torch.

Conventions of the whole ring. Images have row 0 at the top. Points are (x, y) in
continuous pixels: pixel ``i`` covers ``[i, i + 1)``, so its centre is ``i + 0.5``.
Depth is in pixels of the photo (weak perspective), nearer is larger.
"""
