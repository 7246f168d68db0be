"""Restoration at the same size: noise, blur, blocks and fading are taken away, as far as asked for."""

from dataclasses import dataclass

import torch

from ganvas.damage.chain import RESTORE, RestoreRanges, damaged_photograph
from ganvas.draw import Draw
from ganvas.tensors import Images
from ganvas.training.task import Problem

BLIND = 0.5
"""Share of the pictures whose damage may be any."""


@dataclass(frozen=True)
class Restoring:
    """The problem of restoration; see `ganvas.task.photo.PhotoTask`.

    The plane ``strength`` is the same number all over a picture: the most damage it may have, as `damaged_photograph`
    measures it. Half of the pictures are told 1, whatever they have, so there the network judges for itself; the others
    a number between their own and 1. At use it is the user's to turn: 1 takes away what is seen, less is more careful
    with what could be damage or detail, 0 leaves the picture as it is.

    Attributes:
        ranges: What the pictures have been through.
    """

    ranges: RestoreRanges = RESTORE

    def pose(self, clean: Images, draw: Draw) -> Problem:
        """Damaged pictures, how badly they may be damaged, and those they were."""
        damaged, strength = damaged_photograph(clean, draw, self.ranges)
        blind = draw.named("blind").uniform() < BLIND
        most = torch.where(blind, 1.0, torch.lerp(strength, torch.ones_like(strength), draw.named("most").uniform()))
        plane = most.view(-1, 1, 1, 1).expand(-1, 1, *clean.shape[2:])
        return {"picture": damaged, "strength": plane, "target": clean}

    def plain(self, problem: Problem) -> Images:
        """What was given."""
        return problem["picture"]
