"""The same network with less to do: batch normalisation inside of the convolutions, pixels channel by channel."""

from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def folded(network: Network) -> Network:
    """A copy for inference whose batch normalisations are part of the convolutions before them.

    With fixed statistics, ``γ (W x + b - μ) / √(σ² + ε) + β`` is another convolution (Jacob et al. 2018,
    arXiv:1712.05877, section 3.2). It is worked out in float64; outputs differ in the last digits of float32. The
    copy is in eval mode, its parameters need no gradients, and its filters lie in channels_last order.

    Args:
        network: Every BatchNorm2d in it comes right after the convolution that it normalises, in the order of their
            common module's children, and is applied right after it.

    Raises:
        ValueError: A BatchNorm2d has no convolution of its width before it.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    for parent in list(copy.modules()):
        children = [("", None), *parent.named_children()]
        for (_, before), (name, norm) in pairwise(children):
            if isinstance(norm, nn.BatchNorm2d):
                if not isinstance(before, nn.Conv2d) or before.out_channels != norm.num_features:
                    raise ValueError(f"The batch normalisation '{name}' does not come after its convolution.")
                _fold_(before, norm)
                setattr(parent, name, nn.Identity().eval())
    return copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fold_(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = (norm.running_var.double() + norm.eps).rsqrt()
    shift = torch.zeros_like(gain)
    if norm.affine:
        gain, shift = gain * norm.weight, shift + norm.bias
    bias = 0.0 if conv.bias is None else conv.bias.double()
    weight = conv.weight.double() * gain[:, None, None, None]
    shift = shift + (bias - norm.running_mean.double()) * gain
    conv.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
    conv.bias = nn.Parameter(shift.to(conv.weight.dtype), requires_grad=False)
