"""What can be put side by side: anything that takes a picture, and perhaps a mask, and gives a picture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

Run = Callable[[Picture, Mask], Picture]
"""Levels ``(h, w, 3)`` and what is missing of them ``(h, w)`` to levels ``(h * scale, w * scale, 3)``."""
Find = Callable[[Picture], Mask]
"""Levels ``(h, w, 3)`` to where there is a scratch ``(h, w)``."""


@dataclass(frozen=True)
class Method:
    """A competitor.

    Attributes:
        name: As the table has it.
        run: Does the work.
        parameters: Learned numbers in it; 0 for what is not learned.
    """

    name: str
    run: Run
    parameters: int = 0


@dataclass(frozen=True)
class Finder:
    """A competitor that finds scratches; see `Method`."""

    name: str
    run: Find
    parameters: int = 0


def nothing_missing(picture: Picture) -> Mask:
    """The mask of a whole picture."""
    return np.zeros(picture.shape[:2], bool)
