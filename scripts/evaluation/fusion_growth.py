# SPDX-License-Identifier: GPL-3.0-or-later
"""What fusing takes in time and memory, by the number of photos."""

import sys
import time
from collections.abc import Iterable

from face_depth_addon.inference.client import WorkerClient
from face_depth_addon.inference.request import FuseRequest

from .fusion_study import plan_of
from .true_head import HeadCase


def growth(case: HeadCase, model: str, counts: Iterable[int]) -> str:
    """Fuse photos of a head in the product's worker, a new one for each number of them.

    Raises
    ------
    FaceDepthError
    """
    rows = [
        "| photos | new worker to result | the photos' depth | per photo | fusion | "
        "again, depth kept | worker's peak memory |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for count in counts:
        plan = plan_of(count, case.cases)
        if plan is None:
            continue
        request = FuseRequest(
            tuple(({"path": str(case.path(yaw).resolve())}, {}) for yaw in plan), model
        )
        client = WorkerClient()
        try:
            first, info = _timed(client, request)
            again, _ = _timed(client, request)
        finally:
            client.close()
        depth = info["timings"]["inference"]
        fusion = sum(info["timings"].values()) - depth
        seconds = [first, depth, depth / count, fusion, again]
        told = " | ".join(f"{value:.1f} s" for value in seconds)
        rows.append(f"| {count} | {told} | {info['worker_peak_mb']:.0f} MB |")
        print(rows[-1], file=sys.stderr)
    return "\n".join(rows)


def _timed(client: WorkerClient, request: FuseRequest) -> tuple[float, dict]:
    begun = time.perf_counter()
    job = client.submit(request)
    while not job.poll(0.1):
        pass
    return time.perf_counter() - begun, job.result.info
