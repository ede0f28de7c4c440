# SPDX-License-Identifier: GPL-3.0-or-later
"""The 68 landmarks of the iBUG scheme as vertices of the MPFB base mesh.

"Right" is the person's own.  The vertices are those nearest to ICT-FaceKit's landmarks once the
base mesh is laid on its head (see ``correspondence.py``), held to the loops of the lids' and lips'
edges and, for the brows, to the middle of the MakeHuman eyebrow meshes.
"""

import numpy as np

# fmt: off
LANDMARKS68 = np.array([
    # jaw, from the right ear to the left
    870, 5236, 5092, 910, 5240, 3698, 5294, 5167, 5225,
    11780, 11900, 10366, 11849, 7612, 11707, 11845, 7575,
    # right brow, from outside
    261, 207, 176, 180, 209,
    # left brow, from inside
    6984, 6956, 6952, 6982, 7030,
    # bridge of the nose
    133, 131, 164, 5054,
    # below the nose
    333, 314, 317, 7077, 7095,
    # right eye
    24, 6, 54, 69, 47, 36,
    # left eye
    6853, 6838, 6790, 6808, 6820, 6831,
    # outer lips
    425, 410, 456, 455, 7215, 7170, 7185, 7166, 7241, 492, 486, 406,
    # inner lips
    3707, 470, 474, 7226, 10375, 7236, 493, 481,
], np.int32)
# fmt: on
