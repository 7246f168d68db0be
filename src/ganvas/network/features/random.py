"""Features without any training: the responses of convolutions with random filters.

Untrained convolutions keep enough of edges, textures and layout to tell collapsed, blurred and noisy pictures
from real ones (Saxe et al. 2011, "On random weights and unsupervised feature learning"; Naeem et al. 2020,
arXiv:2002.09797, score generators with them). They know nothing of meaning: two left shoes are as good as a pair.
Numbers in this space compare states of one run with one another; they are no FID and do not compare data sets.
"""

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.features.interface import Channels, Seen
from ganvas.tensors import Images

LARGEST_SIDE_PX = 64
CHANNELS = 4
LEVELS = 3
GRID = 4
CENTRED = 0.75
"""Part of each filter's mean that is taken away: edges count more than brightness, flat pictures still count."""


@torch.no_grad()
def random_features(images: Images, seed: int = 0) -> Tensor:
    """What a random network sees of pictures: the pictures themselves and three levels of filters, on a 4x4 grid.

    Detail finer than 1/64 of the picture is averaged away first, so the cost does not grow with the picture.

    Args:
        images: ``(N, C, H, W)`` in [-1, 1], any size from one pixel on, any number of channels.
        seed: Another seed is another network; compare only features of the same one.

    Returns:
        Float32 ``(N, 16 C + 192)``; row i depends on picture i alone.
    """
    return _pooled(_maps(images, _filters(images.shape[1], seed)))


class RandomFeatures(nn.Module):
    """`random_features` of RGB pictures as a feature network, with its filters as weights.

    Args:
        seed: Another seed is another network; compare only features of the same one.
    """

    side_px = LARGEST_SIDE_PX
    dim = GRID**2 * (3 + LEVELS * CHANNELS)
    classes = 0
    offset: Channels = (127.5, 127.5, 127.5)
    scale: Channels = (127.5, 127.5, 127.5)

    def __init__(self, seed: int = 0):
        super().__init__()
        filters, biases = zip(*_filters(3, seed), strict=True)
        self.filters = nn.ParameterList(nn.Parameter(one, requires_grad=False) for one in filters)
        self.biases = nn.ParameterList(nn.Parameter(one, requires_grad=False) for one in biases)

    def forward(self, images: Images) -> Seen:
        """Features ``(N, 240)`` and no logits of images ``(N, 3, H, W)`` in [-1, 1]."""
        return Seen(_pooled(self._maps(images)), images.new_zeros(len(images), 0))

    def stages(self, images: Images) -> tuple[Tensor, ...]:
        """The responses of the three levels, shallow to deep, each ``(N, 4, h, w)``."""
        return tuple(self._maps(images)[1:])

    def _maps(self, images: Images) -> list[Tensor]:
        return _maps(images, zip(self.filters, self.biases, strict=True))


def _filters(channels: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Filters and biases of each level."""
    generator = torch.Generator().manual_seed(seed)
    levels = []
    for inputs in (channels, *[CHANNELS] * (LEVELS - 1)):
        filters = torch.randn(CHANNELS, inputs, 3, 3, generator=generator)
        filters = filters - CENTRED * filters.mean((1, 2, 3), keepdim=True)
        filters = filters * math.sqrt(2 / (9 * inputs))  # keeps the scale through a rectifier (He et al. 2015)
        levels.append((filters, 0.5 * torch.randn(CHANNELS, generator=generator)))
    return levels


def _maps(images: Images, filters: Iterable[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """The pictures, at most 64 px large, and the responses of each level."""
    height, width = (min(side, LARGEST_SIDE_PX) for side in images.shape[-2:])
    x = F.adaptive_avg_pool2d(images.float(), (height, width))
    maps = [x]
    for level, (weights, biases) in enumerate(filters):
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        x = F.leaky_relu(F.conv2d(padded, weights.to(x), biases.to(x), stride=2 if level else 1), 0.2)
        maps.append(x)
    return maps


def _pooled(maps: list[Tensor]) -> Tensor:
    return torch.cat([F.adaptive_avg_pool2d(x, GRID).flatten(1) for x in maps], dim=1)
