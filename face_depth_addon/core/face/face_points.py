# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of MediaPipe's 468 face landmarks; right and left are the person's own."""

RIGHT_EYE = (33, 133, 159, 145)
LEFT_EYE = (362, 263, 386, 374)
FOREHEAD, CHIN = 10, 152
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# The part of the outline from below the right ear over the chin to the left one.
JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
