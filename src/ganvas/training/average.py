"""The exponential moving average of a network's weights: the one that paints."""

import copy

import torch
from torch import Tensor, nn


def averaged_copy(network: nn.Module) -> nn.Module:
    """A frozen copy in eval mode, the start of an average."""
    return copy.deepcopy(network).eval().requires_grad_(False)


@torch.no_grad()
def update_average_(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move ``average`` towards ``network`` by ``1 - decay``; buffers are copied.

    ``decay = 0.5 ** (images a step / half-life in images)``.
    """
    ours: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(ours, theirs, 1.0 - decay)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
