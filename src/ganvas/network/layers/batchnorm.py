"""Batch normalisation whose scale and shift depend on the condition."""

from typing import final

from torch import Tensor, nn

from ganvas.network.layers.initialise import zeros


@final
class ConditionalBatchNorm(nn.Module):
    """(1 + γ(c)) · BatchNorm(x) + β(c), with γ and β linear in the condition.

    Dumoulin et al. 2017 (arXiv:1610.07629), as used by Miyato & Koyama 2018. Both start at zero, so all classes
    start alike. With ``label_dim`` 0 this is plain batch normalisation.
    """

    def __init__(self, width: int, label_dim: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.embed = zeros(nn.Linear(label_dim, 2 * width, bias=False)) if label_dim else None

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Map ``(N, width, h, w)`` and ``(N, label_dim)`` (or None) to ``(N, width, h, w)``."""
        normed: Tensor = self.norm(x)
        if self.embed is None:
            return normed
        modulation: Tensor = self.embed(condition).to(normed.dtype)
        scale, shift = modulation[:, :, None, None].chunk(2, dim=1)
        return normed * (1 + scale) + shift
