"""What the tasks on photographs ask of a network, whichever it is."""

from typing import Protocol

from torch import Tensor

from ganvas.errors import UsageError
from ganvas.tensors import Images


class ImageToImage(Protocol):
    """A network from a picture, and planes beside it, to a picture of ``scale`` times its sides.

    Every output pixel depends on the input within `receptive_radius_px` alone, so tiles can equal the whole.

    Attributes:
        scale: Output side / input side.
        stride_px: Input sides and tile origins must be multiples of it.
        inputs: Planes besides the picture, in order: "mask" (1 where the picture is missing) or "strength" (0 to 1).
    """

    scale: int
    stride_px: int
    inputs: tuple[str, ...]

    def __call__(self, given: Tensor) -> Images:
        """Map ``(N, 3 + len(inputs), h, w)`` to ``(N, 3, h * scale, w * scale)``."""
        ...


def require_given(network: ImageToImage, given: Tensor) -> None:
    """Refuse what the network cannot take.

    Raises:
        UsageError: The number of channels is not 3 and the planes, or a side is not a multiple of the stride.
    """
    channels, height, width = given.shape[1:]
    if channels != 3 + len(network.inputs):
        beside = " and ".join(f"'{name}'" for name in network.inputs) or "no planes"
        raise UsageError(
            f"This network takes RGB and {beside}, {3 + len(network.inputs)} channels, but got {channels} channels."
        )
    if height % network.stride_px or width % network.stride_px:
        raise UsageError(
            f"This network takes sides that are multiples of {network.stride_px} pixels, but got {height}x{width}; "
            "pad the picture and crop the result."
        )
