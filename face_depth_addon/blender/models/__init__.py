# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth models: chosen, told about, downloaded, compared."""
