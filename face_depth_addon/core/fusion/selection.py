# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos belong together: repeated ones, mirrored ones, other people, blurred ones."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..sampling import resized
from .alignment import Matches
from .view import View

# Side at which pictures are compared, and correlation from which on they are the same picture.
_THUMB, _SAME = 48, 0.985
# Agreement below which a photo shows somebody else, and below which it may if the others agree
# better by that factor.
_STRANGE, _DOUBTFUL, _BETTER = 0.41, 0.5, 1.25
# Share of the sharpest photo's sharpness below which one is called blurred.
BLURRED = 0.45


def repeated(views: Sequence[View]) -> dict[int, tuple[int, bool]]:
    """Photos that show what an earlier one shows.

    Returns
    -------
    dict
        By a photo's index that of the earlier one, and whether it is its mirror image.
    """
    thumbs = [_thumb(view) for view in views]
    found: dict[int, tuple[int, bool]] = {}
    for index, (view, thumb) in enumerate(zip(views, thumbs)):
        for earlier in range(index):
            if earlier in found:
                continue
            if view.digest == views[earlier].digest or _alike(thumb, thumbs[earlier]) > _SAME:
                found[index] = earlier, False
                break
            if _alike(thumb[:, ::-1], thumbs[earlier]) > _SAME:
                found[index] = earlier, True
                break
    return found


def _thumb(view: View) -> np.ndarray:
    """The face alone, without the brightness of its surroundings."""
    side = len(view.grey)
    border = side // 5
    return resized(view.grey[border:-border, border:-border, None], _THUMB)[..., 0]


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Normalised cross-correlation of fine form, which even two frontal faces do not share."""
    one, other = (values - cv2.GaussianBlur(values, (0, 0), 4.0) for values in (one, other))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum() + 1e-9))


def agreement(matches: Sequence[Matches], photos: Sequence[int]) -> dict[int, float]:
    """How well each photo agrees with the others it is compared with, 0 to 1."""
    scores: dict[int, list[tuple[float, float]]] = {photo: [] for photo in photos}
    for match in matches:
        if match.first in scores and match.second in scores:
            score = match.likeness * match.shared
            for photo in (match.first, match.second):
                scores[photo].append((score, match.compared))
    return {
        photo: float(np.average([score for score, _ in found], weights=[area for _, area in found]))
        if found else 0.0
        for photo, found in scores.items()
    }


def stranger(scores: dict[int, float]) -> int | None:
    """The photo that agrees worst with the others, if it is somebody else's."""
    worst = min(scores, key=scores.get)
    others = np.median([score for photo, score in scores.items() if photo != worst])
    low = scores[worst]
    if low < _STRANGE or (low < _DOUBTFUL and others > _BETTER * low):
        return worst
    return None


def sharpness(views: Sequence[View]) -> np.ndarray:
    """(V,) of the faces, 1 for the sharpest."""
    values = []
    for view in views:
        marks = view.found.landmarks[:, :2] * view.found.size
        low, high = np.clip(np.percentile(marks, (10, 90), axis=0), 0, view.found.size).astype(int)
        grey = cv2.cvtColor(view.found.rgb, cv2.COLOR_RGB2GRAY)[low[1]:high[1], low[0]:high[0]]
        face = cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32)
        spread = max(float(face.std()), 1.0)
        values.append(float(cv2.Laplacian(face, cv2.CV_32F).std()) / spread)
    return np.array(values) / max(values)
