# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception family of Face Depth.

Every message is a complete sentence in the user's terms: operators hand it to
``report`` and the command line prints it, without a traceback.
"""


class FaceDepthError(Exception):
    """Base of all errors that Face Depth raises on purpose."""


class PhotoError(FaceDepthError):
    """The photo cannot be used: missing, unreadable, damaged, too large, too small."""


class DepthMapError(FaceDepthError):
    """The depth map cannot be used: unreadable, damaged, coloured, or not this photo's."""


class NoFaceError(FaceDepthError):
    """No face was found in the photo, or not the one that was asked for."""


class ModelError(FaceDepthError):
    """The depth model's folder is missing, damaged, unsafe or of another kind."""


class DownloadError(FaceDepthError):
    """A model could not be downloaded: no connection, a refusal, no room, a wrong checksum."""


class DeviceError(FaceDepthError):
    """The chosen compute device is not there or has run out of memory."""


class WorkerError(FaceDepthError):
    """The worker process could not start, crashed or was killed."""


class TorchError(WorkerError):
    """PyTorch or transformers is missing in the worker, or cannot be loaded there."""


class OutputError(FaceDepthError):
    """An output file cannot be written, or its type is not known."""


class MeshError(FaceDepthError):
    """The mesh lacks what the operation needs."""


class PointCloudError(FaceDepthError):
    """A point cloud's file is damaged or empty, or OpenCV is missing for the operation."""


class FusionError(FaceDepthError):
    """The photos cannot be fused: too few that show the same head."""


class Cancelled(FaceDepthError):
    """The user cancelled the job."""
