"""Feature networks with made-up values, and real weights where they are at hand."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from ganvas.errors import FileError
from ganvas.network.features.interface import Channels
from ganvas.network.features.weights import find_weights

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def shaken(network: Network, seed: int = 0) -> Network:
    """In eval mode, with weights and statistics that leave no term of a batch normalisation trivial."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.weight.normal_(0, math.sqrt(2 / module.weight[0].numel()), generator=generator)
            if module.bias is not None:
                module.bias.normal_(0, 0.1, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.4, 1.6, generator=generator)
            if module.affine:
                module.weight.uniform_(0.6, 1.4, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
    return network.eval()


def shapes_sha256(state: Mapping[str, Tensor]) -> str:
    """Of the names and shapes of all tensors but counters of training steps."""
    lines = [f"{key} {tuple(value.shape)}" for key, value in state.items() if not key.endswith("num_batches_tracked")]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def waves(side_px: int, offset: Channels, scale: Channels) -> Tensor:
    """A picture that is the same everywhere, as a network's input: one wave a colour, float64 ``(1, 3, S, S)``."""
    here = torch.arange(side_px, dtype=torch.float64)
    colours = [torch.sin(here[:, None] * (0.05 + 0.03 * c) + here * (0.11 - 0.02 * c) + c) for c in range(3)]
    levels = (127.5 + 127.5 * torch.stack(colours)).round()
    return normalised(levels[None], offset, scale)


def normalised(levels: Tensor, offset: Channels, scale: Channels) -> Tensor:
    """Levels ``(N, 3, S, S)`` from 0 to 255 as a network's input."""
    shift, width = (torch.tensor(one, dtype=levels.dtype)[:, None, None] for one in (offset, scale))
    return (levels - shift) / width


def weights_at_hand(network: str) -> Path:
    """The public weights of a network, or the test is skipped."""
    try:
        return find_weights(network)
    except FileError as error:
        pytest.skip(str(error))


def noise(count: int, side_px: int, width_px: int | None = None, seed: int = 0) -> Tensor:
    """Uniform in [-1, 1], ``(N, 3, H, W)``."""
    shape = (count, 3, side_px, side_px if width_px is None else width_px)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
