# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of depth models, a module each.

A module has two functions, and imports its libraries only inside the second:

- ``check(place, card)`` looks at the files, and gives a frozen `Checked`, or raises a
  `ModelError` that says what is wrong with them;
- ``load(checked, running)`` gives a `core.depth.predicted.DepthSource`.
"""

from typing import Protocol

from ..cards import Card


class Checked(Protocol):
    """Files that can be loaded; equal to another as long as nothing about them has changed.

    Attributes
    ----------
    card : Card
    parameters : int
        How many numbers the weights are.
    """

    card: Card
    parameters: int
