"""Our generator for CPUs and small GPUs: dense convolutions, no normalisation."""

from itertools import pairwise
from typing import final

from torch import Tensor, nn

from ganvas.network.layers.initialise import scaled_normal
from ganvas.network.layers.latent import LatentInput
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.residual import DenseResidual
from ganvas.network.layers.stage import UpStage
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Condition, Images, Latents


@final
class FastGenerator(nn.Module):
    """R3GAN's plan with plain 3×3 convolutions in the place of grouped bottlenecks: few and large operations.

    A linear layer makes the coarsest map. Every stage is a bilinear doubling and residual blocks of two 3×3
    convolutions; the width halves where the pixels quadruple, so all stages cost the same. A 1×1 convolution makes
    the picture, which is not squashed. The condition is embedded and joined to the latent.

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
        latent_dim: Length of the latent.
        label_dim: Length of the condition; 0 for none.
        width: Channels at full resolution; 32 suits 28 to 64 pixels, 16 suits 128 and more.
        max_width: The most channels a stage has.
        blocks: Residual blocks a stage.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        latent_dim: int,
        label_dim: int = 0,
        width: int = 32,
        max_width: int = 256,
        blocks: int = 1,
    ):
        super().__init__()
        self.size, self.channels, self.latent_dim, self.label_dim = size, channels, latent_dim, label_dim
        self.width, self.max_width, self.blocks = width, max_width, blocks
        sizes = pyramid(size)
        widths = doubling_widths(len(sizes), width, max_width)

        def stage_blocks(channels: int) -> list[nn.Module]:
            return [DenseResidual(channels, blocks * len(sizes)) for _ in range(blocks)]

        self.base = (widths[0], *sizes[0])
        self.latent = LatentInput(latent_dim, label_dim)
        self.project = scaled_normal(nn.Linear(self.latent.width, widths[0] * sizes[0][0] * sizes[0][1]))
        self.stages = nn.Sequential(
            *stage_blocks(widths[0]),
            *(
                UpStage(before, after, size, stage_blocks(after))
                for (before, after), size in zip(pairwise(widths), sizes[1:], strict=True)
            ),
        )
        self.to_image = FullPrecision(scaled_normal(nn.Conv2d(widths[-1], channels, 1)))

    def forward(self, latent: Latents, condition: Condition = None) -> Images:
        """Map latents ``(N, latent_dim)`` and a condition ``(N, label_dim)`` to images ``(N, channels, *size)``."""
        x: Tensor = self.project(self.latent(latent, condition)).unflatten(1, self.base)
        images: Images = self.to_image(self.stages(x))
        return images
