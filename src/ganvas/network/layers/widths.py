"""How many channels a stage has."""

import math

from ganvas.errors import UsageError
from ganvas.network.layers.pyramid import pyramid


def doubling_widths(count: int, width: int, max_width: int) -> list[int]:
    """Channels of ``count`` stages, coarse to fine: ``width`` at the finest, doubling up to ``max_width``.

    Every stage below the cap then costs the same: half the channels on four times the pixels.
    """
    return [min(width << doublings, max(width, max_width)) for doublings in reversed(range(count))]


def tapering_widths(count: int, width: int, multiple: int) -> list[int]:
    """Channels of ``count`` stages, coarse to fine: ``width`` for the first four, then halving.

    Four stages reach from 4 to 32 pixels, where the papers of SNGAN and R3GAN keep the width constant
    (R3GAN at 256 pixels: 768, 768, 768, 768, 384, 192, 96). Every width is rounded up to a multiple.
    """
    halved = [width / 2 ** max(0, stage - 3) for stage in range(count)]
    return [multiple * max(1, int(-(-channels // multiple))) for channels in halved]


def r3_widths(size: tuple[int, int], width: int, group_width: int = 16) -> tuple[int, ...]:
    """The ``widths`` of `r3` networks for pictures of any size, in the paper's pattern.

    Args:
        size: Height and width in pixels.
        width: Channels of the coarse stages; 768 in the paper, 1536 for ImageNet.
        group_width: Channels a group; every width is rounded up so that twice of it divides into groups.
    """
    multiple = group_width // math.gcd(group_width, 2)
    return tuple(tapering_widths(len(pyramid(size)), width, multiple))


def require_widths(widths: tuple[int, ...], sizes: list[tuple[int, int]]) -> None:
    """Refuse a list of widths that does not fit the stages.

    Raises:
        UsageError: There are more or fewer widths than sizes.
    """
    if len(widths) != len(sizes):
        stages = ", ".join(f"{height}x{width}" for height, width in sizes)
        raise UsageError(
            f"There are {len(widths)} widths, but pictures of {sizes[-1][0]}x{sizes[-1][1]} pixels need "
            f"{len(sizes)}, coarse to fine: one for each of {stages}."
        )
