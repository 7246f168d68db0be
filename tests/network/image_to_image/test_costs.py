"""The table of costs in the room's docstring is what the networks cost."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.network import image_to_image
from ganvas.network.image_to_image import IMAGE_TO_IMAGE, build_image_to_image, fused, receptive_radius_px
from ganvas.network.image_to_image.unet import Unet
from tests.network.image_to_image.small import facts, given_for


def rows() -> list[list[str]]:
    """Each row of the table as words."""
    assert image_to_image.__doc__ is not None
    lines = image_to_image.__doc__.split("stride px\n")[1].splitlines()
    return [words for line in lines if (words := line.split())]


def arguments(words: list[str]) -> dict[str, Any]:
    pairs = [word.split("=") for word in words]
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


def multiplications(network: nn.Module) -> float:
    """Multiplications of all convolutions, an input pixel."""
    count = 0

    def add(conv: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal count
        assert isinstance(conv, nn.Conv2d)
        count += output[0, 0].numel() * conv.weight.numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)
    given = given_for(network, (3, 2), count=1, dtype=torch.float32)
    network(given)
    return count / given[0, 0].numel()


def weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_network_has_a_row() -> None:
    assert {words[0] for words in rows()} == set(IMAGE_TO_IMAGE)


@pytest.mark.parametrize("words", rows(), ids=" ".join)
def test_a_row_is_what_the_network_costs(words: list[str]) -> None:
    name, *given, in_training, in_use, kmac, radius, stride = words
    network = build_image_to_image(name, arguments(given))
    plain = fused(network)
    assert (weights(network), weights(plain)) == (int(in_training), int(in_use))
    assert f"{multiplications(plain) / 1e3:.1f}" == kmac
    assert (receptive_radius_px(plain), facts(network).stride_px) == (int(radius), int(stride))
    assert weights(network) <= 4_000_000


def test_multiplications_are_those_counted_by_hand() -> None:
    """At half size, so for every fourth pixel: 3x3 from 12 to 4 channels, four times 4 to 4, and back to 12."""
    network = Unet(inputs=(), width=4, scales=1)
    assert multiplications(network) == (9 * 12 * 4 + 4 * 9 * 4 * 4 + 9 * 4 * 12) / 4
