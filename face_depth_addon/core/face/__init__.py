# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces in photos: detection, landmarks, the person's mask."""
