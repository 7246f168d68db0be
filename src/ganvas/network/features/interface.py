"""What every feature network answers, whatever it was trained on."""

from typing import NamedTuple, Protocol

from torch import Tensor

Channels = tuple[float, float, float]
"""One number for each of red, green and blue."""


class Seen(NamedTuple):
    """What a feature network sees in N pictures.

    Attributes:
        features: ``(N, dim)``.
        logits: ``(N, classes)``; ``(N, 0)`` for a network without classes.
    """

    features: Tensor
    logits: Tensor


class FeatureNetwork(Protocol):
    """A network that describes pictures by numbers.

    Attributes:
        side_px: Side of the square pictures it expects, pixels.
        dim: Length of its features.
        classes: Number of its logits.
        offset: Its input is ``(levels - offset) / scale``, levels from 0 to 255.
        scale: See ``offset``.
    """

    side_px: int
    dim: int
    classes: int
    offset: Channels
    scale: Channels

    def __call__(self, images: Tensor) -> Seen:
        """Features and logits of normalised pictures ``(N, 3, side_px, side_px)``."""
        ...

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps ``(N, C, h, w)`` on the way, shallow to deep, of normalised pictures."""
        ...
