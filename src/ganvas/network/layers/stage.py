"""One resolution of a residual network without normalisation: a change of size and width, then blocks."""

from collections.abc import Callable, Iterable
from typing import final

from torch import Tensor, nn

from ganvas.network.layers.initialise import scaled_normal
from ganvas.network.layers.resample import upsample


def coarse_to_fine(fine_to_coarse: Iterable[nn.Module]) -> nn.ModuleList:
    """The stages of a discriminator numbered from the coarse end, as a generator's are; it plays them in reverse.

    So a network for larger pictures knows the stages of a smaller one by name, and can start from its weights.
    """
    return nn.ModuleList(reversed(list(fine_to_coarse)))


def width_change(before: int, after: int) -> nn.Module:
    """A 1×1 convolution that keeps the variance, or nothing where the width stays."""
    return nn.Identity() if before == after else scaled_normal(nn.Conv2d(before, after, 1, bias=False))


@final
class UpStage(nn.Module):
    """A generator's stage: width, doubling, blocks. The width changes first, where there are fewer pixels."""

    def __init__(self, before: int, after: int, size: tuple[int, int], blocks: Iterable[nn.Module]):
        super().__init__()
        self.size = size
        self.width = width_change(before, after)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, before, h, w)`` to ``(N, after, *size)``."""
        painted: Tensor = self.blocks(upsample(self.width(x), self.size))
        return painted


@final
class DownStage(nn.Module):
    """A discriminator's stage: halving, width, blocks. The mirror image of `UpStage`."""

    def __init__(self, before: int, after: int, halve: Callable[[Tensor], Tensor], blocks: Iterable[nn.Module]):
        super().__init__()
        self.halve = halve
        self.width = width_change(before, after)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, before, h, w)`` to ``(N, after, ceil(h / 2), ceil(w / 2))``."""
        judged: Tensor = self.blocks(self.width(self.halve(x)))
        return judged
