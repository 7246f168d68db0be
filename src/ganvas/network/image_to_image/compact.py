"""Compact: the small super-resolution network that other tools load, too."""

from typing import final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.image_to_image.interface import require_given
from ganvas.network.layers.initialise import scaled_normal, zeros
from ganvas.network.layers.precision import in_full_precision
from ganvas.tensors import Images

PRELU_SLOPE = 0.25
PRELU_GAIN = (2.0 / (1.0 + PRELU_SLOPE**2)) ** 0.5


@final
class Compact(nn.Module):
    """Real-ESRGAN's SRVGGNetCompact (Wang et al. 2021, arXiv:2107.10833): 3×3 convolutions with PReLU in between.

    All run at the input's resolution; a pixel shuffle makes the picture, which is added to the input with every
    pixel repeated. Names and shapes of the weights are those of the original, ``body.0.weight`` to
    ``body.{2 depth + 2}.weight``, and as there they stand for pictures in [0, 1]: what reads such files, spandrel
    and chaiNNer among them, reads a plain ``state_dict()`` of this one.

    Args:
        scale: Output side / input side.
        width: Channels of every hidden map; 64, and 24 for the smallest networks in circulation.
        depth: Convolutions between the first and the last; 16, or 32 for photographs.
    """

    def __init__(self, *, scale: int = 4, width: int = 64, depth: int = 16):
        super().__init__()
        self.scale, self.width, self.depth = scale, width, depth
        self.stride_px = 1
        self.inputs: tuple[str, ...] = ()
        layers: list[nn.Module] = []
        for before in (3, *[width] * depth):
            conv = scaled_normal(nn.Conv2d(before, width, 3, padding=1), PRELU_GAIN)
            layers += [conv, nn.PReLU(width, init=PRELU_SLOPE)]
        self.body = nn.Sequential(*layers, zeros(nn.Conv2d(width, 3 * scale**2, 3, padding=1)))

    def forward(self, given: Tensor) -> Images:
        """Map ``(N, 3, h, w)`` to ``(N, 3, h * scale, w * scale)``, both in [-1, 1]."""
        require_given(self, given)
        x = self.body[:-1](0.5 * given + 0.5)
        residual = in_full_precision(self.body[-1], x)
        # A difference of pictures in [0, 1] is half of one in [-1, 1].
        return F.pixel_shuffle(2.0 * residual + given.repeat_interleave(self.scale**2, dim=1), self.scale)
