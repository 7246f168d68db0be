"""The projection discriminator's head."""

from typing import final

from torch import Tensor, nn

from ganvas.network.layers.condition import require_condition
from ganvas.network.layers.initialise import normal
from ganvas.tensors import Condition, Logits


@final
class ProjectionHead(nn.Module):
    """⟨w, h⟩ + b + ⟨E·c, h⟩: one logit from features h and a condition c.

    Miyato & Koyama 2018 (arXiv:1802.05637), eq. 5. Without a condition only the linear part remains. Both
    w and E start at N(0, std²); a one-hot class then counts as much as the rest.
    """

    def __init__(self, features: int, label_dim: int, std: float):
        super().__init__()
        self.label_dim = label_dim
        self.linear = normal(nn.Linear(features, 1), 0.0, std)
        self.embed = normal(nn.Linear(label_dim, features, bias=False), 0.0, std) if label_dim else None

    def forward(self, features: Tensor, condition: Condition) -> Logits:
        """Map ``(N, features)`` and ``(N, label_dim)`` (or None) to ``(N,)``."""
        require_condition(condition, self.label_dim)
        logits: Tensor = self.linear(features).squeeze(1)
        if self.embed is None:
            return logits
        embedded: Tensor = self.embed(condition)
        return logits + (embedded * features).sum(1)
