# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong, for people and for bug reports: self-check, log, report."""
