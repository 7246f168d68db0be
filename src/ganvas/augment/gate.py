"""Which samples of a batch an augmentation touches."""

from torch import Tensor

from ganvas.draw import Draw


def gated(draw: Draw, probability: float) -> Tensor:
    """True with the given probability, ``(N,)`` bool; independent of the draw's own numbers."""
    return draw.named("gate").uniform() < probability
