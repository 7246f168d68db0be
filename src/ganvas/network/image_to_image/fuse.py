"""The same network with less to do: branches that train apart, added up."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from ganvas.network.layers.reparameterised import ReparameterisedConv

Network = TypeVar("Network", bound=nn.Module)


def fused(network: Network) -> Network:
    """A copy for use, with one plain convolution in the place of every reparameterised one.

    Averages and interpolations of weights are made before: the fused weights are products of the trained ones. The
    copy is in eval mode, its parameters need no gradients, and its filters lie in channels_last order.
    """
    copy = deepcopy(network).eval()
    for parent in list(copy.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ReparameterisedConv):
                setattr(parent, name, child.fused().eval())
    plain: Network = copy.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return plain
