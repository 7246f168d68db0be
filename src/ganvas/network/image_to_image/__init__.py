"""From pictures to pictures: what repairs, restores and enlarges photographs.

What the defaults, and some arguments beside them, cost: weights in training and in use, thousand multiplications an
input pixel in use, and how far an output pixel looks. `compact` is the upscaler that other tools load, too.

    network                     weights   in use   kMAC/px  radius px  stride px
    plain scale=2                421548   131244     130.9          8          1
    plain scale=4 depth=10       713808   229968     229.4         12          1
    compact scale=2              600652   600652     598.5         18          1
    compact scale=4              621424   621424     619.2         18          1
    unet                         865196   865196      31.7         67          8
    unet block=depthwise         362092   362092      13.8         39          8
    gated-unet                  1537552  1537552      44.4        184          8
"""

import json
from collections.abc import Mapping
from functools import cache

import torch
from torch import nn

from ganvas.network.image_to_image.compact import Compact
from ganvas.network.image_to_image.fuse import fused
from ganvas.network.image_to_image.gated_unet import GatedUnet
from ganvas.network.image_to_image.interface import ImageToImage
from ganvas.network.image_to_image.plain import PlainUpscaler
from ganvas.network.image_to_image.receptive import receptive_radius_px
from ganvas.network.image_to_image.unet import Unet
from ganvas.network.layers.arguments import build

__all__ = [
    "IMAGE_TO_IMAGE",
    "ImageToImage",
    "build_image_to_image",
    "described_radius_px",
    "fused",
    "receptive_radius_px",
]

IMAGE_TO_IMAGE: dict[str, type[nn.Module]] = {
    "compact": Compact,
    "plain": PlainUpscaler,
    "unet": Unet,
    "gated-unet": GatedUnet,
}
_NARROW = 2


def build_image_to_image(name: str, arguments: Mapping[str, object]) -> nn.Module:
    """A freshly initialised network, an `ImageToImage`; name and arguments may come from an untrusted file.

    Args:
        name: A key of `IMAGE_TO_IMAGE`.
        arguments: The constructor's arguments as plain values; lists may stand for tuples.

    Raises:
        UnknownName: There is no such network.
        UsageError: An argument is unknown, missing, of the wrong type, or too large.
    """
    return build("network", IMAGE_TO_IMAGE, name, arguments)


def described_radius_px(name: str, arguments: Mapping[str, object]) -> int:
    """`receptive_radius_px` of a network that is described as for `build_image_to_image`.

    It is measured on a narrow one: width decides nothing but the time, of which a tenth is left. Random numbers stay
    as they are.

    Raises:
        UnknownName: There is no such network.
        UsageError: An argument is out of range; or as `receptive_radius_px`.
    """
    return _measured_px(name, json.dumps({**arguments, "width": _NARROW}))


@cache
def _measured_px(name: str, arguments: str) -> int:
    with torch.random.fork_rng(devices=[]):
        return receptive_radius_px(build_image_to_image(name, json.loads(arguments)))
