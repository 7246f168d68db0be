"""Layers that must not run in bfloat16."""

from typing import final

import torch
from torch import Tensor, nn


@final
class FullPrecision(nn.Module):
    """Runs a module in its parameters' own type, whatever autocast says.

    Logits need it because a relativistic loss lives on small differences of them; pictures because bfloat16 has
    fewer levels near white than an 8-bit file.
    """

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, *others: Tensor | None) -> Tensor:
        """Call the module; only the first tensor is converted."""
        dtype = next(self.inner.parameters()).dtype
        with torch.autocast(x.device.type, enabled=False):
            result: Tensor = self.inner(x.to(dtype), *others)
        return result
