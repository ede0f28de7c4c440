# SPDX-License-Identifier: GPL-3.0-or-later
"""How good depth is: the protocol behind ``evaluate.py``, described in docs/evaluation.md."""
