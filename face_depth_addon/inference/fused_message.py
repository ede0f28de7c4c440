# SPDX-License-Identifier: GPL-3.0-or-later
"""A `FusedHead` as a message between the worker and Blender. Needs numpy only."""

from dataclasses import asdict

import numpy as np

from ..core.fusion.fused import FusedHead, PhotoCamera, PhotoCloud, PhotoReport

_ARRAYS = ("positions", "faces", "uvs", "colours", "seen", "views", "landmarks")
_CLOUDS = ("before", "after")
_OF_CAMERA = ("photo", "focal_px", "width", "height")


def pack_head(head: FusedHead) -> tuple[dict, dict[str, np.ndarray]]:
    """The header and the arrays of a message, as for `protocol.write_message`.

    Parameters
    ----------
    head : FusedHead
    """
    header = {
        "photos": [asdict(report) for report in head.photos],
        "cameras": [
            {name: getattr(camera, name) for name in _OF_CAMERA} for camera in head.cameras
        ],
        "residuals": head.residuals, "info": head.info,
    }
    arrays = {name: getattr(head, name) for name in _ARRAYS}
    arrays["texture"] = np.frombuffer(head.texture, np.uint8)
    for kind in _CLOUDS:
        cloud = getattr(head, kind)
        arrays |= {f"{kind}.{name}": array for name, array in vars(cloud).items()}
    for number, camera in enumerate(head.cameras):
        arrays[f"camera.{number}.rotation"] = camera.rotation
        arrays[f"camera.{number}.place"] = camera.place
        arrays[f"camera.{number}.backdrop"] = np.frombuffer(camera.backdrop, np.uint8)
    return header, arrays


def unpack_head(header: dict, arrays: dict[str, np.ndarray]) -> FusedHead:
    """The head of a message.

    Parameters
    ----------
    header : dict
    arrays : dict of ndarray
    """
    return FusedHead(
        **{name: arrays[name] for name in _ARRAYS},
        texture=arrays["texture"].tobytes(),
        photos=tuple(_report(values) for values in header["photos"]),
        cameras=tuple(
            PhotoCamera(
                **values, rotation=arrays[f"camera.{number}.rotation"],
                place=arrays[f"camera.{number}.place"],
                backdrop=arrays[f"camera.{number}.backdrop"].tobytes(),
            )
            for number, values in enumerate(header["cameras"])
        ),
        **{kind: _cloud(kind, arrays) for kind in _CLOUDS},
        residuals=header["residuals"], info=header["info"],
    )


def _report(values: dict) -> PhotoReport:
    pose = values["pose"]
    return PhotoReport(**{**values, "pose": None if pose is None else tuple(pose)})


def _cloud(kind: str, arrays: dict[str, np.ndarray]) -> PhotoCloud:
    return PhotoCloud(**{
        name.removeprefix(f"{kind}."): array
        for name, array in arrays.items() if name.startswith(f"{kind}.")
    })
