# SPDX-License-Identifier: GPL-3.0-or-later
"""Neural depth in a process of its own; torch and transformers are imported here only."""
