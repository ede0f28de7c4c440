# SPDX-License-Identifier: GPL-3.0-or-later
"""What photos that do not belong, or are bad, do to a fused head."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from face_depth_addon.core.errors import FusionError
from face_depth_addon.core.fusion.fused import PhotoReport
from face_depth_addon.core.photo import decode_photo
from face_depth_addon.core.reconstruction import Reconstruction

from .fusion_study import REFINED, Figures, Reconstructions, fuse_photos, measure, plan_of
from .true_head import HeadCase, TrueHead
from .truth import Truth

_PHOTOS = 5
# Which of the photos is spoilt, or given twice.
_SPOILT = 1
# Standard deviation at the face: 4 pixels of a picture of 384 that shows 350 mm.
_BLUR_MM = 3.6
_GAMMA, _STOPS = 2.2, 1.0
_QUALITY, _SMALLER = 85, 0.9

_WRONG, _TWICE = "another person's photo added", "a photo added again, smaller, as a JPEG"


@dataclass(frozen=True)
class _Outcome:
    """What came of a trouble with one head.

    Attributes
    ----------
    detected : str
        ``left out``, ``noted`` or nothing.
    innocent : int
        Good photos that were left out.
    before, after : Figures
        Without the trouble and with it; the latter is None where nothing could be fused.
    """

    detected: str
    innocent: int
    before: Figures
    after: Figures | None


def troubles(cases: list[HeadCase], reconstructions: Reconstructions) -> str:
    """Fuse the photos of five sides of each head without and with a trouble, one at a time.

    Raises
    ------
    FolderError, FaceDepthError
    """
    outcomes: dict[str, list[_Outcome]] = {}
    for number, case in enumerate(cases):
        head = case.read()
        there = {
            yaw: reconstructions.of(head.views[yaw].truth)
            for yaw in plan_of(_PHOTOS, head.views) or ()
        }
        plan = tuple(yaw for yaw, photo in there.items() if photo is not None)
        if len(plan) <= _SPOILT:
            print(f"{case.name}: too few faces were found", file=sys.stderr)
            continue
        found = [there[yaw] for yaw in plan]
        try:
            before, _ = _fused(head, found)
        except FusionError as error:
            print(f"{case.name}: {error}", file=sys.stderr)
            continue
        others = (*cases[number:], *cases[:number])
        stranger = next((other for other in others if other.person != case.person), None)
        for title, photos, odd in _spoilt(head, plan, found, stranger, reconstructions):
            outcome = _outcome(head, before, photos, odd, title == _TWICE)
            outcomes.setdefault(title, []).append(outcome)
            after = f"{outcome.after.face:.2f} mm" if outcome.after else "none"
            print(
                f"{case.name}, {title}: {outcome.detected or 'unnoticed'}, face "
                f"{before.face:.2f} mm, then {after}", file=sys.stderr,
            )
        reconstructions.forget()
    return _table(outcomes)


def _spoilt(
    head: TrueHead, plan: tuple[int, ...], found: list[Reconstruction],
    stranger: HeadCase | None, reconstructions: Reconstructions,
) -> list[tuple[str, list[Reconstruction | None], int]]:
    """Each trouble's title, photos, and which of them is the odd one."""
    truth = head.views[plan[_SPOILT]].truth
    added = [(_TWICE, _smaller(truth))]
    if stranger is not None:
        added.insert(0, (_WRONG, stranger.cases[plan[_SPOILT]].read()))
    replaced = {
        "a photo mirrored": _changed(truth, lambda picture: picture[:, ::-1]),
        "a photo blurred": _blurred(truth),
        "a photo one stop brighter": _brighter(truth),
    }
    cases = [(title, [*found, reconstructions.of(odd)], len(found)) for title, odd in added]
    for title, odd in replaced.items():
        photos = [*found]
        photos[_SPOILT] = reconstructions.of(odd)
        cases.append((title, photos, _SPOILT))
    return cases


def _outcome(
    head: TrueHead, before: Figures, photos: list[Reconstruction | None], odd: int, twice: bool
) -> _Outcome:
    there = [photo for photo in photos if photo is not None]
    try:
        after, reports = _fused(head, there)
    except FusionError:
        return _Outcome("left out", len(there) - 1, before, None)
    if photos[odd] is None:
        return _Outcome("left out", sum(not each.used for each in reports), before, after)
    # Of two that are the same either may go.
    suspects = (odd, _SPOILT) if twice else (odd,)
    left_out = [number for number, each in enumerate(reports) if not each.used]
    detected = ""
    if set(suspects) & set(left_out):
        detected = "left out"
    elif any(reports[number].note for number in suspects):
        detected = "noted"
    innocent = len(left_out) - bool(set(suspects) & set(left_out))
    return _Outcome(detected, innocent, before, after)


def _fused(
    head: TrueHead, photos: list[Reconstruction]
) -> tuple[Figures, tuple[PhotoReport, ...]]:
    fused = fuse_photos(photos, REFINED)
    return measure(head, fused.positions, fused.faces, fused.landmarks), fused.photos


def _smaller(truth: Truth) -> Truth:
    return _changed(
        truth,
        lambda picture: cv2.resize(picture, None, fx=_SMALLER, fy=_SMALLER,
                                   interpolation=cv2.INTER_AREA),
    )


def _blurred(truth: Truth) -> Truth:
    sigma = _BLUR_MM * truth.focal_px / float(np.median(truth.distance[truth.face]))
    return _changed(truth, lambda picture: cv2.GaussianBlur(picture, (0, 0), sigma))


def _brighter(truth: Truth) -> Truth:
    light = np.arange(256.0) / 255.0
    curve = np.clip(light * 2.0 ** (_STOPS / _GAMMA), 0.0, 1.0)
    table = np.rint(255.0 * curve).astype(np.uint8)
    return replace(_changed(truth, lambda picture: table[picture]), face=truth.face)


def _changed(truth: Truth, change: Callable[[np.ndarray], np.ndarray]) -> Truth:
    """A photo with its picture changed, saved as a JPEG; what else is true is that of the old one.
    """
    picture = np.ascontiguousarray(change(truth.photo.rgb)[..., ::-1])
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    photo = decode_photo(data.tobytes(), truth.photo.name)
    face = change(truth.face.astype(np.uint8) * 255) > 127
    return replace(truth, photo=replace(photo, focal_35mm=truth.photo.focal_35mm), face=face)


def _table(outcomes: dict[str, list[_Outcome]]) -> str:
    rows = [
        "| trouble | heads | left out | noted | unnoticed | good photos left out | "
        "face without it | with it | worst change | head without it | with it |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for title, all_of in outcomes.items():
        told = [
            sum(each.detected == kind for each in all_of) for kind in ("left out", "noted", "")
        ]
        told.append(sum(each.innocent for each in all_of))
        done = [each for each in all_of if each.after is not None]
        if done:
            face, head = (
                np.array([(getattr(each.before, name), getattr(each.after, name))
                          for each in done])
                for name in ("face", "head")
            )
            told += [f"{value:.2f} mm" for value in face.mean(axis=0)]
            told.append(f"{np.diff(face).max():+.2f} mm")
            told += [f"{value:.2f} mm" for value in head.mean(axis=0)]
        rows.append(f"| {title} | {len(all_of)} | {' | '.join(map(str, told))} |")
    return "\n".join(rows)
