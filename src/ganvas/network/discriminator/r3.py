"""R3GAN's discriminator: the mirror image of its generator."""

from itertools import pairwise
from typing import final

from torch import Tensor, nn

from ganvas.network.layers.basis import BasisCollapse
from ganvas.network.layers.bottleneck import GroupedBottleneck
from ganvas.network.layers.condition import require_condition
from ganvas.network.layers.initialise import normal, scaled_normal
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.resample import downsample_smooth
from ganvas.network.layers.stage import DownStage, coarse_to_fine
from ganvas.network.layers.widths import require_widths
from ganvas.tensors import Condition, Images, Judgement, Logits


@final
class R3Discriminator(nn.Module):
    """Huang et al. 2024 (R3GAN, arXiv:2501.05441), configuration E.

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
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
        label_dim: int = 0,
        widths: tuple[int, ...],
        group_width: int = 16,
        blocks: int = 2,
    ):
        super().__init__()
        self.size, self.channels, self.label_dim = size, channels, label_dim
        self.widths, self.group_width, self.blocks = widths, group_width, blocks
        sizes = pyramid(size)
        require_widths(widths, sizes)

        def stage_blocks(width: int) -> list[nn.Module]:
            return [GroupedBottleneck(width, group_width, blocks * len(sizes)) for _ in range(blocks)]

        fine_to_coarse = widths[::-1]
        from_image = scaled_normal(nn.Conv2d(channels, fine_to_coarse[0], 1, bias=False))
        self.from_image = nn.Sequential(from_image, *stage_blocks(fine_to_coarse[0]))
        self.stages = coarse_to_fine(
            DownStage(before, after, downsample_smooth, stage_blocks(after))
            for before, after in pairwise(fine_to_coarse)
        )
        self.head = FullPrecision(R3Head(widths[0], sizes[0], label_dim))

    def forward(self, images: Images, condition: Condition = None) -> Judgement:
        """Judge ``(N, channels, *size)``; one logit ``(N,)``, one feature map a stage."""
        x = self.from_image(images)
        features = [x]
        for stage in reversed(self.stages):
            x = stage(x)
            features.append(x)
        return Judgement((self.head(x, condition),), tuple(features))


@final
class R3Head(nn.Module):
    """A depthwise convolution over the whole map, then ⟨w, h⟩, or ⟨W·h, E·c⟩ with a condition.

    E starts with gain 1/√width, so that the inner product does not grow with it.
    """

    def __init__(self, width: int, size: tuple[int, int], label_dim: int):
        super().__init__()
        self.label_dim = label_dim
        self.collapse = BasisCollapse(width, size)
        self.linear = scaled_normal(nn.Linear(width, width if label_dim else 1, bias=False))
        self.embed = (
            normal(nn.Linear(label_dim, width, bias=False), 0.0, (width * label_dim) ** -0.5) if label_dim else None
        )

    def forward(self, x: Tensor, condition: Condition) -> Logits:
        """Map ``(N, width, *size)`` and ``(N, label_dim)`` (or None) to ``(N,)``."""
        require_condition(condition, self.label_dim)
        projected: Tensor = self.linear(self.collapse(x))
        if self.embed is None:
            return projected.squeeze(1)
        embedded: Tensor = self.embed(condition)
        return (projected * embedded).sum(1)
