"""What goes into a generator: the latent and, beside it, the embedded condition."""

from typing import final

import torch
from torch import Tensor, nn

from ganvas.network.layers.condition import require_condition
from ganvas.network.layers.initialise import normal
from ganvas.tensors import Condition, Latents


@final
class LatentInput(nn.Module):
    """z ‖ E·c, with E a bias-free embedding of the condition as long as the latent.

    E starts at N(0, std²): with 1, a one-hot class is as loud as the latent.

    Attributes:
        width: Length of the result.
    """

    def __init__(self, latent_dim: int, label_dim: int, std: float = 1.0):
        super().__init__()
        self.label_dim = label_dim
        self.width = 2 * latent_dim if label_dim else latent_dim
        self.embed = normal(nn.Linear(label_dim, latent_dim, bias=False), 0.0, std) if label_dim else None

    def forward(self, latent: Latents, condition: Condition) -> Tensor:
        """Map ``(N, latent_dim)`` and ``(N, label_dim)`` (or None) to ``(N, width)``."""
        require_condition(condition, self.label_dim)
        if self.embed is None:
            return latent
        embedded: Tensor = self.embed(condition)
        return torch.cat([latent, embedded.to(latent.dtype)], dim=1)
