"""Repair: what a mask marks is painted from what surrounds it."""

from dataclasses import dataclass

from ganvas.apply.guess import guessed
from ganvas.damage.holes import draw_holes
from ganvas.draw import Draw
from ganvas.tensors import Images
from ganvas.training.task import Problem


@dataclass(frozen=True)
class Repairing:
    """The problem of repair; see `ganvas.task.photo.PhotoTask`."""

    def pose(self, clean: Images, draw: Draw) -> Problem:
        """Pictures with a first guess in their holes, the holes, and the whole pictures."""
        mask = draw_holes(draw, (clean.shape[2], clean.shape[3]))
        return {"picture": guessed(clean, mask), "mask": mask, "target": clean}

    def plain(self, problem: Problem) -> Images:
        """The first guess."""
        return problem["picture"]
