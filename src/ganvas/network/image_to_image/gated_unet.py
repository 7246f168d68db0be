"""Repair: a U of gated convolutions that paints what a mask hides."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.image_to_image.interface import require_given
from ganvas.network.layers.detail import detail_of, liveliness
from ganvas.network.layers.fill import smooth_fill
from ganvas.network.layers.gated import GatedConv, GatedResidual
from ganvas.network.layers.initialise import zeros
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.spread import spread_detail
from ganvas.network.layers.ushape import UShape
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Images

SHARE = 0.8
"""Of the spread detail that a fresh network takes. At 0 it would stay: half of a random texture is as good turned."""


@final
class GatedUnet(nn.Module):
    """Gated convolutions (Yu et al. 2019, arXiv:1806.03589) with dilated ones at the coarsest scale for context.

    Dilations of 1, 2, 4, 8 carry what surrounds a hole across it (Yu et al. 2018, arXiv:1801.07892, figure 4).
    Holes are filled smoothly first, which is nearly right for a scratch and right in a sky; the network paints what is
    to be added, and a fresh one adds nothing. Of that little is heard where there is little detail around. In the
    middle of a hole convolutions see the same everywhere, and could paint nothing but a smear or a screen of dots; so
    detail of the surroundings is spread over it, and the network says how much of that belongs where. While the buffer
    ``invention`` is 0 none does: the likeliest pixels have no texture. The result is the raw painting, of the whole
    picture: whoever has the mask puts the two together. What the picture holds in its holes is a first guess
    (`ganvas.apply.guess`), which counts far from all that is known.

    Args:
        width: Channels at half of the picture's size.
        max_width: The most channels a scale has.
        scales: How often the sides are halved, the first time by unshuffling pixels.
        dilations: Of the blocks at the coarsest scale, in its pixels.
    """

    def __init__(
        self,
        *,
        width: int = 32,
        max_width: int = 128,
        scales: int = 3,
        dilations: tuple[int, ...] = (1, 2, 4, 8),
    ):
        super().__init__()
        self.width, self.max_width, self.scales, self.dilations = width, max_width, scales, dilations
        self.scale = 1
        self.stride_px = 2**scales
        self.inputs: tuple[str, ...] = ("mask",)
        widths = doubling_widths(scales, width, max_width)[::-1]
        bottom = nn.Sequential(*(GatedResidual(widths[-1], dilation) for dilation in dilations))
        self.from_image = GatedConv(4 * (3 + len(self.inputs)), width)
        self.body = UShape(widths, GatedResidual, bottom)
        to_image = zeros(nn.Conv2d(width, 4 * (3 + 1), 3, padding=1))
        with torch.no_grad():
            to_image.get_parameter("bias")[-4:] = SHARE
        self.to_image = FullPrecision(to_image)
        self.invention: Tensor
        self.register_buffer("invention", torch.zeros(()))

    def forward(self, given: Tensor) -> Images:
        """Map the picture and the mask of what is missing in it, ``(N, 4, h, w)``, to a painting ``(N, 3, h, w)``."""
        require_given(self, given)
        picture, mask = given[:, :3], given[:, 3:]
        filled = smooth_fill(picture, mask)
        seen = F.pixel_unshuffle(torch.cat([filled, mask.to(filled)], 1), 2)
        painted = F.pixel_shuffle(self.to_image(self.body(self.from_image(seen))), 2)
        missing = mask.to(filled)
        detail = detail_of(filled, missing)
        texture = painted[:, 3:] * spread_detail(detail, missing)
        return filled + liveliness(detail, missing, self.stride_px) * painted[:, :3] + self.invention * texture
