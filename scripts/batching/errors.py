# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a batch, in a sentence for the user."""


class BatchError(Exception):
    """The batch cannot start, or cannot go on; what is done stays."""


class UsageError(BatchError):
    """The arguments ask for what cannot be done; nothing was begun."""


class FullDiskError(BatchError):
    """The output folder takes no more."""
