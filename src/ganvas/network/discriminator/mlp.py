"""The first GAN's discriminator: fully connected layers."""

from typing import final

import torch.nn.functional as F
from torch import nn

from ganvas.network.layers.initialise import LEAKY_GAIN, LEAKY_SLOPE, scaled_normal
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.projection import ProjectionHead
from ganvas.tensors import Condition, Images, Judgement


@final
class MlpDiscriminator(nn.Module):
    """Goodfellow et al. 2014 (arXiv:1406.2661), with leaky ReLU in the place of maxout and dropout.

    Weights start as in He et al. 2015; the condition enters by projection.

    Args:
        size: Height and width in pixels, any.
        channels: 1, 3 or 4.
        label_dim: Length of the condition; 0 for none.
        width: Units of a hidden layer.
        depth: Number of hidden layers.
    """

    def __init__(self, *, size: tuple[int, int], channels: int, label_dim: int = 0, width: int = 512, depth: int = 3):
        super().__init__()
        self.size, self.channels, self.label_dim = size, channels, label_dim
        self.width, self.depth = width, depth
        inputs = [channels * size[0] * size[1], *[width] * (depth - 1)]
        self.hidden = nn.ModuleList(scaled_normal(nn.Linear(before, width), LEAKY_GAIN) for before in inputs)
        self.head = FullPrecision(ProjectionHead(width, label_dim, std=width**-0.5))

    def forward(self, images: Images, condition: Condition = None) -> Judgement:
        """Judge ``(N, channels, *size)``; one logit ``(N,)``, features ``(N, width)`` a hidden layer."""
        x, features = images.flatten(1), []
        for layer in self.hidden:
            x = F.leaky_relu(layer(x), LEAKY_SLOPE)
            features.append(x)
        return Judgement((self.head(x, condition),), tuple(features))
