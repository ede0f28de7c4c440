# SPDX-License-Identifier: GPL-3.0-or-later
"""A fused head comes through a message as it was."""

import io
from dataclasses import fields

import numpy as np
from fused_sphere import fused_sphere

from face_depth_addon.core.fusion.fused import FusedHead, PhotoCamera, PhotoCloud
from face_depth_addon.core.fusion.sizing import pupils_mm, sized
from face_depth_addon.inference.fused_message import pack_head, unpack_head
from face_depth_addon.inference.protocol import read_message, write_message


def through_a_message(head: FusedHead) -> FusedHead:
    stream = io.BytesIO()
    write_message(stream, *pack_head(head))
    stream.seek(0)
    return unpack_head(*read_message(stream))


def same(one: object, other: object) -> bool:
    """Whether two values are of one kind and equal, arrays bit by bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, FusedHead | PhotoCamera | PhotoCloud):
        names = [field.name for field in fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_head_comes_through_a_message_as_it_was():
    head = fused_sphere()
    assert any(not report.used for report in head.photos) and len(head.cameras) >= 2
    assert same(through_a_message(head), head)


def test_size_follows_the_pupils_with_all_that_lies_about_the_head():
    head = fused_sphere()
    large = sized(head, 2.0 * pupils_mm(head))
    assert pupils_mm(large) == 2.0 * pupils_mm(head)
    assert np.allclose(large.positions, 2.0 * head.positions)
    assert np.allclose(large.after.positions, 2.0 * head.after.positions)
    assert large.residuals["icp"] == 2.0 * head.residuals["icp"]
    for one, other in zip(large.cameras, head.cameras, strict=True):
        assert np.allclose(one.place, 2.0 * other.place) and one.focal_px == other.focal_px
