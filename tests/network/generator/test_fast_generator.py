import math

import pytest
import torch
from torch import nn

from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator
from ganvas.network.layers.residual import DenseResidual
from tests.network.architectures import draws


def widths(network: nn.Module) -> list[int]:
    return [module.first.in_channels for module in network.modules() if isinstance(module, DenseResidual)]


@pytest.mark.parametrize(
    ("side", "width", "expected"), [(28, 32, [128, 64, 32]), (256, 16, [256, 256, 256, 128, 64, 32, 16])]
)
def test_widths_double_towards_the_coarse_end(side: int, width: int, expected: list[int]) -> None:
    arguments = {"size": [side, side], "channels": 3, "width": width}
    with torch.device("meta"):
        assert widths(build_generator("fast", {**arguments, "latent_dim": 64})) == expected
        assert widths(build_discriminator("fast", arguments)) == expected[:-1]
        assert len(widths(build_discriminator("fast", {**arguments, "blocks": 3}))) == 3 * (len(expected) - 1)


def test_fresh_networks_carry_the_variance() -> None:
    torch.manual_seed(0)
    arguments = {"size": [32, 32], "channels": 3}
    generator = build_generator("fast", {**arguments, "latent_dim": 64})
    # The first doubling leaves (1 + 9) / 16 of white noise's variance on each axis, the others little less than all.
    assert 0.25 < generator(draws(64, 64)).var().item() < 0.5
    smooth = draws(64, 3, 1, 1).expand(-1, -1, 32, 32)
    logits = build_discriminator("fast", arguments)(smooth).logits[0]
    assert math.sqrt(logits.square().mean().item()) == pytest.approx(1.0, rel=0.5)
