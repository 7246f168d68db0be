"""Restoration at the same size: noise, blur, blocks and fading are taken away, as far as asked for."""

from dataclasses import dataclass

from ganvas.damage.chain import RESTORE, RestoreRanges, damaged_photograph
from ganvas.draw import Draw
from ganvas.tensors import Images
from ganvas.training.task import Problem


@dataclass(frozen=True)
class Restoring:
    """The problem of restoration; see `ganvas.task.photo.PhotoTask`.

    The plane ``strength`` is the same number all over a picture: the level of its damage as `damaged_photograph` means
    it. At use it is the user's to turn: 0 leaves a picture as it is, 1 treats it as one damaged as badly as any, and
    what is told too high makes it smoother than it was.

    Attributes:
        ranges: What the pictures have been through.
    """

    ranges: RestoreRanges = RESTORE

    def pose(self, clean: Images, draw: Draw) -> Problem:
        """Damaged pictures, how badly, and those they were."""
        damaged, strength = damaged_photograph(clean, draw, self.ranges)
        plane = strength.view(-1, 1, 1, 1).expand(-1, 1, *clean.shape[2:])
        return {"picture": damaged, "strength": plane, "target": clean}

    def plain(self, problem: Problem) -> Images:
        """What was given."""
        return problem["picture"]
