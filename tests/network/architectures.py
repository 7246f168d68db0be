"""Every architecture at a small width, for tests that hold for all of them."""

from typing import Any

import torch
from torch import Tensor, nn

from ganvas.network.discriminator import DISCRIMINATORS
from ganvas.network.generator import GENERATORS
from ganvas.network.layers.pyramid import pyramid

NAMES = ["mlp", "dcgan", "resnet", "r3", "fast"]
SIZES = [(28, 28), (32, 32), (24, 40), (17, 33)]
LATENT_DIM = 6
Size = tuple[int, int]


def small_arguments(name: str, size: Size, channels: int, label_dim: int) -> dict[str, Any]:
    """Arguments that both networks of a name take."""
    own: dict[str, dict[str, Any]] = {
        "mlp": {"width": 12, "depth": 2},
        "dcgan": {"width": 4, "max_width": 8},
        "resnet": {"width": 6},
        "r3": {"widths": [8] * len(pyramid(size)), "group_width": 4, "blocks": 1},
        "fast": {"width": 4, "max_width": 8},
    }
    return {"size": list(size), "channels": channels, "label_dim": label_dim, **own[name]}


def plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with tuples where JSON has lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}


def small_generator(name: str, size: Size = (17, 33), channels: int = 3, label_dim: int = 0) -> nn.Module:
    torch.manual_seed(0)
    return GENERATORS[name](**plain(small_arguments(name, size, channels, label_dim)), latent_dim=LATENT_DIM)


def small_discriminator(
    name: str, size: Size = (17, 33), channels: int = 3, label_dim: int = 0, *, batchnorm: bool = True
) -> nn.Module:
    torch.manual_seed(0)
    arguments = small_arguments(name, size, channels, label_dim)
    if name == "dcgan" and not batchnorm:
        arguments["normalise"] = "none"
    return DISCRIMINATORS[name](**plain(arguments))


def perturbed(network: nn.Module) -> nn.Module:
    """The network with every zero weight moved, as after a first step."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return network


def draws(count: int, *shape: int, seed: int = 2) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def one_hot(count: int, label_dim: int) -> Tensor | None:
    return torch.eye(label_dim)[torch.arange(count) % label_dim] if label_dim else None
