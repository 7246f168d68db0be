"""Enlargement: photographs made small in many ways, to be made large again."""

from dataclasses import dataclass

import torch.nn.functional as F

from ganvas.damage.chain import SHRINK, ShrinkRanges, shrunk_photograph
from ganvas.draw import Draw
from ganvas.tensors import Images
from ganvas.training.task import Problem


@dataclass(frozen=True)
class Enlarging:
    """The problem of enlargement; see `ganvas.task.photo.PhotoTask`.

    Attributes:
        scale: Output side / input side.
        ranges: What the small pictures have been through.
    """

    scale: int
    ranges: ShrinkRanges = SHRINK

    def pose(self, clean: Images, draw: Draw) -> Problem:
        """Small pictures, and those they were."""
        return {"picture": shrunk_photograph(clean, self.scale, draw, self.ranges), "target": clean}

    def plain(self, problem: Problem) -> Images:
        """Bicubic interpolation (Keys' a = -3/4, torch's), in float32."""
        size = problem["target"].shape[2:]
        return F.interpolate(problem["picture"].float(), size=size, mode="bicubic", align_corners=False).clamp(-1, 1)
