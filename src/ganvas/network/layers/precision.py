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
        return in_full_precision(self.inner, x, *others)


def in_full_precision(inner: nn.Module, x: Tensor, *others: Tensor | None) -> Tensor:
    """`FullPrecision` where a wrapper would change the names of the weights."""
    dtype = next(inner.parameters()).dtype
    with torch.autocast(x.device.type, enabled=False):
        result: Tensor = inner(x.to(dtype), *others)
    return result
