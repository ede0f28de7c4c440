# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine relief: pores and wrinkles."""
