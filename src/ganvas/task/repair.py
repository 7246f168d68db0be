"""Repair: what a mask marks is painted from what surrounds it."""

from dataclasses import dataclass

import torch

from ganvas.damage.holes import draw_holes
from ganvas.draw import Draw
from ganvas.tensors import Images
from ganvas.training.task import Problem


@dataclass(frozen=True)
class Repairing:
    """The problem of repair; see `ganvas.task.photo.PhotoTask`."""

    def pose(self, clean: Images, draw: Draw) -> Problem:
        """Pictures that are 0 in their holes, the holes, and the whole pictures."""
        mask = draw_holes(draw, (clean.shape[2], clean.shape[3]))
        return {"picture": torch.where(mask.bool(), 0.0, clean), "mask": mask, "target": clean}

    def plain(self, problem: Problem) -> Images:
        """Holes filled with the mean colour of what is given."""
        picture, mask = problem["picture"], problem["mask"]
        given = (1 - mask).sum((2, 3), keepdim=True).clamp(min=1)
        return torch.where(mask.bool(), picture.sum((2, 3), keepdim=True) / given, picture)
