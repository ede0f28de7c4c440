# SPDX-License-Identifier: GPL-3.0-or-later
"""The light ICT-FaceKit head (MIT, USC Institute for Creative Technologies): shape modes, faces.

All lengths are millimetres in Blender's axes (x to the person's left, y to the back, z up), with
ICT-FaceKit's own origin.
"""

import zipfile
from functools import cached_property
from pathlib import Path

import numpy as np

from .sources import SourceError

# Vertices lie in this order; a part ends before the number given.
HEAD_END, MOUTH_SOCKET_END, EYE_SOCKETS_END = 11248, 13294, 14062


def from_ict(vectors: np.ndarray) -> np.ndarray:
    """Return centimetres with y up and z forward, (..., 3), as millimetres in Blender's axes."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float32), -1, 0)
    return np.stack([x, -z, y], axis=-1) * np.float32(10.0)


class IctModel:
    """The neutral head, 100 identity modes of unit variance, and 57 expression shapes.

    Parameters
    ----------
    path
        ``ict_facekit.npz``.

    Raises
    ------
    SourceError
        When it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as stored:
                arrays = {name: stored[name] for name in stored.files}
            self.neutral = from_ict(arrays["neutral"])
            self._identity = arrays["identity"]
            self._expression = arrays["expression"]
            self.expression_names = tuple(str(name) for name in arrays["expression_names"])
            self.faces = arrays["faces"].astype(np.int32)
            self.landmarks68 = arrays["landmarks68"].astype(np.int32)
            material = arrays["face_material"].astype(int)
            self._face_material = arrays["material_names"][material]
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise SourceError(
                f"The ICT-FaceKit file {path} cannot be read ({error}); fetch it again."
            ) from error

    @cached_property
    def identity(self) -> np.ndarray:
        """The modes, float32 (100, V * 3)."""
        return from_ict(self._identity).reshape(len(self._identity), -1)

    @cached_property
    def expression(self) -> np.ndarray:
        """The expressions, float32 (57, V * 3)."""
        return from_ict(self._expression).reshape(len(self._expression), -1)

    def material_faces(self, *names: str) -> np.ndarray:
        """Return the indices of the faces of materials such as "M_Face"."""
        return np.flatnonzero(np.isin(self._face_material, names))

    @cached_property
    def skin_faces(self) -> np.ndarray:
        """Indices of the faces of the head's skin, with the sockets of mouth and eyes."""
        return self.material_faces("M_Face", "M_BackHead")

    def shape(self, identity: np.ndarray, expression: dict[str, float]) -> np.ndarray:
        """Return the vertices, float32 (V, 3).

        Parameters
        ----------
        identity
            Weights of the first modes, in standard deviations.
        expression
            Weights by ICT-FaceKit's own names.
        """
        weights = np.asarray(identity, np.float32)
        moved = weights @ self.identity[: len(weights)]
        for name, weight in expression.items():
            moved = moved + np.float32(weight) * self.expression[self.expression_names.index(name)]
        return self.neutral + moved.reshape(-1, 3)
