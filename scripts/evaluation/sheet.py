# SPDX-License-Identifier: GPL-3.0-or-later
"""The best, middle and worst photos of a predictor at a glance."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from face_depth_addon.core.sampling import cut

from .scoring import fitted_nearness
from .study import Outcome, Study
from .truth import Case, Truth

_TILE, _BAND = 176, 16
_EACH = 4
_LIMIT = 10.0
_LEGEND = (
    "photo | true depth | depth after scale and shift | error: red too near, blue too far, "
    f"full colour at {_LIMIT:g} mm"
)
_WHITE, _GREY = (255, 255, 255), (24, 24, 28)
_RED, _BLUE = np.array([214, 40, 40]), np.array([40, 90, 214])


def write(study: Study, outcome: Outcome, path: Path) -> None:
    """Write the 4 best, 4 middle and 4 worst photos by MAE, side by side.

    Parameters
    ----------
    study : Study
    outcome : Outcome
        Of the study; its predictor is asked again.
    path : Path
        A PNG.
    """
    blocks = _choose(study, outcome)
    width = len(blocks) * _EACH * _TILE
    height = _BAND + max(map(len, blocks.values())) * (_TILE + _BAND)
    picture = Image.new("RGB", (width, height), _GREY)
    draw = ImageDraw.Draw(picture)
    draw.text((4, 2), _LEGEND, _WHITE)
    for column, (title, cases) in enumerate(blocks.items()):
        left = column * _EACH * _TILE
        for row, case in enumerate(cases):
            top = _BAND + row * (_TILE + _BAND)
            label = f"{title}: {case.name}, MAE {outcome.scores[case.name]['mae']:.2f} mm"
            draw.text((left + 4, top + 2), label, _WHITE)
            picture.paste(_strip(case.read(), outcome), (left, top + _BAND))
    picture.save(path)


def _choose(study: Study, outcome: Outcome) -> dict[str, list[Case]]:
    counted = set(study.names)
    ranked = sorted(
        (case for case in study.cases if case.name in counted),
        key=lambda case: (outcome.scores[case.name]["mae"], case.name),
    )
    if len(ranked) < 3 * _EACH:
        return {"ranked": ranked}
    middle = (len(ranked) - _EACH) // 2
    return {
        "best": ranked[:_EACH],
        "middle": ranked[middle : middle + _EACH],
        "worst": ranked[-_EACH:][::-1],
    }


def _strip(truth: Truth, outcome: Outcome) -> Image.Image:
    fitted = fitted_nearness(outcome.predictor.predict(truth), truth)
    nearness = -truth.distance.astype(float)
    low, high = np.percentile(nearness[truth.face], (1, 99))
    reach = 0.15 * (high - low)
    shown = [truth.photo.rgb] + [
        _shade(values, low - reach, high + reach)
        for values in (np.where(truth.subject, nearness, np.nan), fitted)
    ]
    shown.append(_paint(np.where(truth.face, fitted - nearness, np.nan)))
    tiles = [cut(image, truth.crop, _TILE, cv2.BORDER_CONSTANT) for image in shown]
    return Image.fromarray(np.hstack(tiles))


def _shade(nearness: np.ndarray, low: float, high: float) -> np.ndarray:
    """Greys, near is light: (H, W, 3) uint8."""
    share = np.clip((nearness - low) / max(high - low, 1e-6), 0.0, 1.0)
    grey = np.where(np.isfinite(share), 40 + 215 * share, 0).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _paint(error: np.ndarray) -> np.ndarray:
    """White for no error, red for too near, blue for too far: (H, W, 3) uint8."""
    share = np.clip(np.nan_to_num(error) / _LIMIT, -1.0, 1.0)[..., None]
    colours = 255 + np.abs(share) * (np.where(share > 0, _RED, _BLUE) - 255)
    return np.where(np.isfinite(error)[..., None], colours, _GREY).astype(np.uint8)
