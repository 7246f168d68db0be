"""The first GAN's generator: fully connected layers."""

from typing import final

import torch
import torch.nn.functional as F
from torch import nn

from ganvas.network.layers.initialise import RELU_GAIN, scaled_normal
from ganvas.network.layers.latent import LatentInput
from ganvas.network.layers.precision import FullPrecision
from ganvas.tensors import Condition, Images, Latents


@final
class MlpGenerator(nn.Module):
    """Goodfellow et al. 2014 (arXiv:1406.2661): ReLU layers of equal width, then one value a pixel.

    The condition is embedded and joined to the latent (Mirza & Osindero 2014, arXiv:1411.1784). Weights start as
    in He et al. 2015, which did not exist then.

    Args:
        size: Height and width in pixels, any; points in the plane are "pictures" of 1×2 pixels.
        channels: 1, 3 or 4.
        latent_dim: Length of the latent.
        label_dim: Length of the condition; 0 for none.
        width: Units of a hidden layer.
        depth: Number of hidden layers.
        bounded: Whether tanh keeps the result in [-1, 1]; points need it off.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        latent_dim: int,
        label_dim: int = 0,
        width: int = 512,
        depth: int = 3,
        bounded: bool = True,
    ):
        super().__init__()
        self.size, self.channels, self.latent_dim, self.label_dim = size, channels, latent_dim, label_dim
        self.width, self.depth, self.bounded = width, depth, bounded
        self.latent = LatentInput(latent_dim, label_dim)
        inputs = [self.latent.width, *[width] * (depth - 1)]
        self.hidden = nn.ModuleList(scaled_normal(nn.Linear(before, width), RELU_GAIN) for before in inputs)
        self.to_image = FullPrecision(scaled_normal(nn.Linear(width, channels * size[0] * size[1])))

    def forward(self, latent: Latents, condition: Condition = None) -> Images:
        """Map latents ``(N, latent_dim)`` and a condition ``(N, label_dim)`` to images ``(N, channels, *size)``."""
        x = self.latent(latent, condition)
        for layer in self.hidden:
            x = F.relu(layer(x))
        image = self.to_image(x).unflatten(1, (self.channels, *self.size))
        return torch.tanh(image) if self.bounded else image
