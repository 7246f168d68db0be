"""The ladder of sizes between a picture and the smallest map of a convolutional network."""

from ganvas.errors import UsageError

MIN_SIDE_PX = 4


def pyramid(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Stage sizes from coarse to fine, the last being ``size``.

    A side is halved, rounding up, while the shorter one has at least 8 pixels; the base has 4 to 7 there:
    64 gives 4, 8, 16, 32, 64; 28 gives 7, 14, 28; 75 gives 5, 10, 19, 38, 75. Generators double a stage
    and crop to the next; discriminators halve it and round up.

    Args:
        size: Height and width in pixels, both at least 4.

    Raises:
        UsageError: A side is shorter than 4 pixels.
    """
    if min(size) < MIN_SIDE_PX:
        raise UsageError(
            f"Pictures of {size[0]}x{size[1]} pixels are too small for a convolutional network; "
            f"both sides need {MIN_SIDE_PX} pixels or more, or choose the network 'mlp'."
        )
    stages = [size]
    while min(stages[-1]) >= 2 * MIN_SIDE_PX:
        height, width = stages[-1]
        stages.append(((height + 1) // 2, (width + 1) // 2))
    return stages[::-1]
