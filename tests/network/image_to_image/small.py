"""Every network from pictures to pictures at a small width, for tests that hold for all of them."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from ganvas.network.image_to_image import ImageToImage, build_image_to_image
from tests.network.architectures import perturbed

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "compact x4": ("compact", {"scale": 4, "width": 8, "depth": 2}),
    "compact x1": ("compact", {"scale": 1, "width": 4, "depth": 1}),
    "plain x2": ("plain", {"scale": 2, "width": 8, "depth": 3}),
    "plain x3": ("plain", {"scale": 3, "width": 4, "depth": 1}),
    "unet": ("unet", {"inputs": ["strength"], "width": 4, "max_width": 12, "scales": 3}),
    "unet of two planes": ("unet", {"inputs": ["mask", "strength"], "width": 4, "scales": 2, "blocks": 2}),
    "unet depthwise": ("unet", {"inputs": [], "width": 4, "scales": 2, "block": "depthwise"}),
    "unet of logits": ("unet", {"inputs": [], "width": 4, "scales": 1, "channels_out": 1}),
    "gated-unet": ("gated-unet", {"width": 4, "max_width": 12, "scales": 3, "dilations": [1, 2]}),
}
"""Name of a variant: name of the network, its arguments."""


def built(variant: str) -> nn.Module:
    torch.manual_seed(0)
    name, arguments = VARIANTS[variant]
    return build_image_to_image(name, arguments)


def trained(variant: str, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The network as after some training: no weight is zero, no buffer either."""
    network = perturbed(built(variant).to(dtype)).eval()
    for buffer in network.buffers():
        buffer.fill_(1.0)
    return network


def facts(network: nn.Module) -> ImageToImage:
    return cast(ImageToImage, network)


def given_for(
    network: nn.Module, strides: tuple[int, int] = (4, 5), count: int = 2, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Pictures in [-1, 1] and planes in [0, 1], the sides in strides."""
    stride, planes = facts(network).stride_px, len(facts(network).inputs)
    drawn = torch.rand(
        count,
        3 + planes,
        *(stride * side for side in strides),
        generator=torch.Generator().manual_seed(3),
        dtype=torch.float64,
    )
    return torch.cat([2 * drawn[:, :3] - 1, drawn[:, 3:]], dim=1).to(dtype)
