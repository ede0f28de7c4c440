# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's ``--self-check``."""

import argparse
import sys

from ...inference.client import WorkerClient
from ..diagnosis.check import check_steps
from ..preferences import WorkerSettings
from ..progress import finish


def self_check(options: argparse.Namespace, preferences: WorkerSettings) -> bool:
    """Write what is there and what is missing to standard output; whether nothing is missing."""
    settings = preferences._replace(
        python=options.python or preferences.python,
        models=options.models or preferences.models,
    )
    client = WorkerClient(settings.python)
    try:
        found = finish(check_steps(client, settings, wait=0.1))
    finally:
        client.close()
    for finding in found:
        sys.stdout.write(f"{finding.line()}\n")
    sys.stdout.flush()
    return all(finding.state != "missing" for finding in found)
