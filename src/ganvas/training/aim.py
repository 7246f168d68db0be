"""A score and which way it gets better: what the best state is chosen by, and what ends a stage."""

import math
from dataclasses import dataclass

DIRECTIONS = {"lower": False, "higher": True}


@dataclass(frozen=True)
class Aim:
    """What is aimed at.

    Attributes:
        score: Its name among the scores of `ganvas.training.vitals.scores`.
        higher_is_better: Whether it should rise; otherwise it should fall.
    """

    score: str
    higher_is_better: bool = False

    @staticmethod
    def parse(text: str) -> "Aim":
        """From ``score``, ``score:lower`` or ``score:higher``; without a direction, lower is better."""
        score, colon, direction = text.rpartition(":")
        if colon and direction in DIRECTIONS:
            return Aim(score, DIRECTIONS[direction])
        return Aim(text)

    @property
    def extreme(self) -> str:
        """``highest`` or ``lowest``: the word for its best value."""
        return "highest" if self.higher_is_better else "lowest"

    def improves(self, value: float, best: float | None) -> bool:
        """Whether a value is better than the best so far; one that is not finite never is."""
        if not math.isfinite(value):
            return False
        return best is None or (value > best if self.higher_is_better else value < best)
