"""Features of pictures that need no trained network: a small convolutional network with fixed random weights.

Untrained convolutions keep enough of edges, textures and layout to tell collapsed, blurred and noisy pictures
from real ones (Saxe et al. 2011, "On random weights and unsupervised feature learning"; Naeem et al. 2020,
arXiv:2002.09797, score generators with them). They know nothing of meaning: two left shoes are as good as a pair.
Numbers in this space compare states of one run with one another; they are no FID and do not compare data sets.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

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

    Detail finer than 64 pixels a side is averaged away first, so the cost does not grow with the picture.

    Args:
        images: ``(N, C, H, W)``, any size from one pixel on, any number of channels.
        seed: Another seed is another network; compare only features of the same one.

    Returns:
        Float32 ``(N, 16 C + 192)``; row i depends on picture i alone.
    """
    height, width = (min(side, LARGEST_SIDE_PX) for side in images.shape[-2:])
    x = F.adaptive_avg_pool2d(images.float(), (height, width))
    generator = torch.Generator().manual_seed(seed)
    levels = [x]
    for level in range(LEVELS):
        filters = torch.randn(CHANNELS, x.shape[1], 3, 3, generator=generator)
        filters = filters - CENTRED * filters.mean((1, 2, 3), keepdim=True)
        filters = filters * math.sqrt(2 / (9 * x.shape[1]))  # keeps the variance through a rectifier (He et al. 2015)
        biases = 0.5 * torch.randn(CHANNELS, generator=generator)
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        x = F.conv2d(padded, filters.to(x), biases.to(x), stride=2 if level else 1)
        x = F.leaky_relu(x, 0.2)
        levels.append(x)
    return torch.cat([F.adaptive_avg_pool2d(x, GRID).flatten(1) for x in levels], dim=1)
