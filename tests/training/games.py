"""The rules of a game and pictures for tests of single steps."""

from contextlib import nullcontext
from typing import Any

from torch import Tensor

from ganvas.draw import Draw
from ganvas.objective.adversarial import LOSSES
from ganvas.training.step import Game

N, SIDE = 4, 8


def game(loss: str = "relativistic", penalty: Any = "none", **changes: Any) -> Game:
    base: dict[str, Any] = {
        "directional": False, "gamma": 3.0, "augment": (), "augment_p": 0.0, "augment_shared": True,
        "autocast": nullcontext,
    }  # fmt: skip
    return Game(loss=LOSSES[loss], penalty=penalty, **{**base, **changes})


def pictures(seed: int, channels: int = 1) -> Tensor:
    return Draw(seed, N).uniform(channels, SIDE, SIDE, low=-1.0)
