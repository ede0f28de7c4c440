# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of a batch: Blender and a warm depth model, which take one photo after the other."""

import argparse
import dataclasses
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """A photo to reconstruct.

    Attributes
    ----------
    number : int
        Of its row.
    photo : str
    options : argparse.Namespace
        As the command line of single photos knows them.
    folder : str
        To be made, for all files.
    files : dict
        Name of each output, by its option's name.
    thumbnail : str
        Name of the picture for the summary page.
    """

    number: int
    photo: str
    options: argparse.Namespace
    folder: str
    files: dict[str, str]
    thumbnail: str


@dataclass(frozen=True)
class Answer:
    """What became of a task.

    Attributes
    ----------
    error : str
        A sentence; empty if all outputs were written.
    kind : str
        The error's class.
    details : dict
        What a report says of the photo.
    names : list of str
        All files that were written, but for the thumbnail.
    """

    error: str = ""
    kind: str = ""
    details: dict = dataclasses.field(default_factory=dict)
    names: list[str] = dataclasses.field(default_factory=list)


class Reconstructor:
    """Runs in a process of its own, one photo at a time.

    Parameters
    ----------
    cores : list of int
        To which it keeps, and its depth worker with it; empty for all.
    """

    def __init__(self, cores: list[int]):
        if cores and hasattr(os, "sched_setaffinity"):
            # Before any library counts the cores.
            os.sched_setaffinity(0, cores)
        import bpy

        from face_depth_addon.blender.preferences import worker_settings
        from face_depth_addon.blender.shaping.mesh_settings import mesh_settings

        self._settings = mesh_settings()
        self._settings.__enter__()
        self._preferences = worker_settings(bpy.context)
        self._client = None

    def ready(self) -> int:
        """The process's id, as soon as it takes photos."""
        return os.getpid()

    def reconstruct(self, task: Task) -> Answer:
        """Make the outputs of a photo in the task's folder."""
        from face_depth_addon.blender.command.means import means_of
        from face_depth_addon.blender.command.photos import (
            open_empty_file,
            photo_steps,
            write_photo,
        )
        from face_depth_addon.blender.command.targets import Target
        from face_depth_addon.blender.progress import finish
        from face_depth_addon.blender.reconstruct import kept
        from face_depth_addon.core.errors import FaceDepthError, OutputError

        from .thumbnails import thumbnail

        begun = time.perf_counter()
        folder = Path(task.folder)
        means = means_of(task.options, self._preferences)
        self._client = self._client or means.client
        means = dataclasses.replace(means, client=self._client)
        target = Target(
            task.photo, {name: folder / file for name, file in task.files.items()}
        )
        try:
            try:
                folder.mkdir()
                open_empty_file()
                outcome = finish(photo_steps(means, target, task.options))
                details = write_photo(outcome, target, task.options)
                (folder / task.thumbnail).write_bytes(thumbnail(kept(outcome.key)))
            except OSError as error:
                raise OutputError(f"{folder} cannot be written ({error.strerror}).") from error
        except FaceDepthError as error:
            shutil.rmtree(folder, ignore_errors=True)
            return Answer(str(error), type(error).__name__)
        details |= {"note": outcome.note, "seconds": time.perf_counter() - begun}
        return Answer(details=details, names=[path.name for path in target.paths()])
