# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-check: what this Blender and the worker's Python have and lack."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import bpy

from ...core.errors import FaceDepthError
from ...inference.findings import Finding
from ..packages import missing_packages
from ..preferences import WorkerSettings
from ..progress import Progress

if TYPE_CHECKING:
    from ...inference.client import WorkerClient


def check_steps(
    client: "WorkerClient", settings: WorkerSettings, wait: float = 0.0
) -> Iterator[Progress]:
    """Look at Blender, then at the worker, in small steps.

    Parameters
    ----------
    client : WorkerClient
    settings : WorkerSettings
    wait : float
        Seconds that one step may wait for the worker.

    Yields
    ------
    Progress

    Returns
    -------
    list of Finding
        A worker that cannot be started is one of them.
    """
    from ...inference.request import CheckRequest

    found = [Finding("ok", f"Blender {bpy.app.version_string}"), _own_packages(), _network()]
    try:
        job = client.submit(CheckRequest(settings.models))
        while not job.poll(wait):
            yield Progress(job.label, job.fraction)
    except FaceDepthError as error:
        return [*found, Finding.of_error(error)]
    return [*found, *job.result]


def _own_packages() -> Finding:
    missing = missing_packages()
    if not missing:
        return Finding("ok", "Blender's own Python has OpenCV and Pillow")
    return Finding(
        "optional", f"Blender's own Python has no {' and no '.join(missing)}",
        "Detail, completion, point clouds, depth maps and some others need it: install "
        "opencv-python and pillow there, or a zip with all packages",
    )


def _network() -> Finding:
    if bpy.app.online_access:
        return Finding("ok", "Blender allows online access, which downloads of models need")
    return Finding(
        "optional", "Blender allows no online access",
        "Only downloads of models need it: see its preferences, under System",
    )
