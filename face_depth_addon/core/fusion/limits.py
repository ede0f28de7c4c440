# SPDX-License-Identifier: GPL-3.0-or-later
"""What one head can be made of, for those who ask before there is OpenCV."""

#: How many photos, frames of videos among them.
MOST_PHOTOS = 24
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
#: Vertices from a head's top to its neck.
LEAST_RESOLUTION, USUAL_RESOLUTION, MOST_RESOLUTION = 64, 384, 1024
