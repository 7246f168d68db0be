"""What a runner can apply tile by tile: filters that see their surroundings and no more."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LocalFilter:
    """Something that paints every output pixel from its surroundings alone.

    Attributes:
        fn: ``(1, Cin, h, w) -> (1, Cout, h * scale, w * scale)``, for any sides that are multiples of the stride.
        scale: Output side / input side.
        stride_px: What input sides, and origins of tiles, must be multiples of.
        radius_px: How many input pixels, to each side of its own, an output pixel depends on at most.
        channels: Numbers it holds for each input pixel where it is widest; only the choice of a tile's size asks.
    """

    fn: Callable[[Tensor], Tensor]
    scale: int
    stride_px: int
    radius_px: int
    channels: int = 64

    def __call__(self, given: Tensor) -> Tensor:
        """Apply it to planes ``(1, Cin, h, w)``."""
        return self.fn(given)
