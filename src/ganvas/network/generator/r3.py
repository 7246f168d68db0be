"""R3GAN's generator: grouped inverted bottlenecks, no normalisation."""

from typing import final

from torch import nn

from ganvas.network.layers.basis import BasisExpand
from ganvas.network.layers.bottleneck import GroupedBottleneck
from ganvas.network.layers.initialise import scaled_normal
from ganvas.network.layers.latent import LatentInput
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.stage import UpStage
from ganvas.network.layers.widths import require_widths
from ganvas.tensors import Condition, Images, Latents


@final
class R3Generator(nn.Module):
    """Huang et al. 2024 (R3GAN, arXiv:2501.05441), configuration E.

    A learnable basis, then one stage a resolution, then a 1×1 convolution to the picture, which is not squashed.
    The condition is embedded and joined to the latent.

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
        latent_dim: Length of the latent; 64 in the paper.
        label_dim: Length of the condition; 0 for none.
        widths: Channels of each stage, coarse to fine, one for each size of `pyramid`; see `r3_widths`.
        group_width: Channels a group of the grouped convolution; 16 in the paper, 32 for ImageNet.
        blocks: Residual blocks a stage.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        latent_dim: int,
        label_dim: int = 0,
        widths: tuple[int, ...],
        group_width: int = 16,
        blocks: int = 2,
    ):
        super().__init__()
        self.size, self.channels, self.latent_dim, self.label_dim = size, channels, latent_dim, label_dim
        self.widths, self.group_width, self.blocks = widths, group_width, blocks
        sizes = pyramid(size)
        require_widths(widths, sizes)

        def stage_blocks(width: int) -> list[nn.Module]:
            return [GroupedBottleneck(width, group_width, blocks * len(sizes)) for _ in range(blocks)]

        self.latent = LatentInput(latent_dim, label_dim, std=max(label_dim, 1) ** -0.5)
        self.base = nn.Sequential(BasisExpand(self.latent.width, widths[0], sizes[0]), *stage_blocks(widths[0]))
        self.stages = nn.Sequential(
            *(
                UpStage(before, after, size, stage_blocks(after))
                for before, after, size in zip(widths[:-1], widths[1:], sizes[1:], strict=True)
            )
        )
        self.to_image = FullPrecision(scaled_normal(nn.Conv2d(widths[-1], channels, 1, bias=False)))

    def forward(self, latent: Latents, condition: Condition = None) -> Images:
        """Map latents ``(N, latent_dim)`` and a condition ``(N, label_dim)`` to images ``(N, channels, *size)``."""
        images: Images = self.to_image(self.stages(self.base(self.latent(latent, condition))))
        return images
