"""Compact against its published layout, an independent statement, and a foreign loader where it imports."""

from importlib import import_module
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.image_to_image import fused
from ganvas.network.image_to_image.compact import Compact
from tests.network.architectures import perturbed

SIZES = [(4, 64, 16), (2, 64, 16), (4, 64, 32), (2, 24, 8), (1, 8, 1), (3, 8, 2)]
"""Scale, width, depth."""


def drawn(scale: int, width: int, depth: int) -> Compact:
    torch.manual_seed(0)
    network = Compact(scale=scale, width=width, depth=depth)
    perturbed(network)
    return network


def documented_layout(scale: int, width: int, depth: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of Real-ESRGAN's SRVGGNetCompact: first convolution, PReLU, so many pairs of them, the last."""
    layout: dict[str, tuple[int, ...]] = {"body.0.weight": (width, 3, 3, 3), "body.0.bias": (width,)}
    layout["body.1.weight"] = (width,)
    for pair in range(1, depth + 1):
        layout[f"body.{2 * pair}.weight"] = (width, width, 3, 3)
        layout[f"body.{2 * pair}.bias"] = (width,)
        layout[f"body.{2 * pair + 1}.weight"] = (width,)
    last = 2 * depth + 2
    return {**layout, f"body.{last}.weight": (3 * scale**2, width, 3, 3), f"body.{last}.bias": (3 * scale**2,)}


def from_the_layout(state: dict[str, Tensor], picture: Tensor, scale: int) -> Tensor:
    """What such a file does to a picture in [0, 1], from its keys alone."""
    last = max(int(key.split(".")[1]) for key in state)
    x = picture
    for index in range(last + 1):
        weight, bias = state[f"body.{index}.weight"], state.get(f"body.{index}.bias")
        x = F.prelu(x, weight) if bias is None else F.conv2d(x, weight, bias, padding=1)
    painted = torch.empty(len(x), 3, scale * x.shape[2], scale * x.shape[3], dtype=x.dtype)
    for dy in range(scale):
        for dx in range(scale):
            residual = x[:, scale * dy + dx :: scale**2]  # of all three colours
            painted[..., dy::scale, dx::scale] = picture + residual
    return painted


@pytest.mark.parametrize(("scale", "count"), [(4, 621_424), (2, 600_652)])
def test_it_has_the_published_number_of_weights(scale: int, count: int) -> None:
    """As the table of traiNNer-redux has it for 64 features and 16 convolutions."""
    assert sum(parameter.numel() for parameter in Compact(scale=scale).parameters()) == count


@pytest.mark.parametrize(("scale", "width", "depth"), SIZES)
def test_names_and_shapes_are_the_documented_ones(scale: int, width: int, depth: int) -> None:
    layout = documented_layout(scale, width, depth)
    for network in (drawn(scale, width, depth), fused(drawn(scale, width, depth))):
        assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == layout


@pytest.mark.parametrize(("scale", "width", "depth"), [(1, 8, 1), (2, 24, 8), (3, 8, 2), (4, 8, 3)])
def test_it_paints_what_its_file_says(scale: int, width: int, depth: int) -> None:
    network = drawn(scale, width, depth).double()
    picture = torch.rand(2, 3, 7, 5, dtype=torch.float64)
    expected = from_the_layout(network.state_dict(), picture, scale)
    torch.testing.assert_close(0.5 * network(2 * picture - 1) + 0.5, expected, rtol=1e-12, atol=1e-12)
    assert (expected - F.interpolate(picture, scale_factor=scale)).std() > 0.01


def test_the_last_convolution_is_not_rounded() -> None:
    """Under autocast the hidden maps are bfloat16; the picture is that of a float32 convolution of them."""
    network, given = drawn(2, 8, 2), torch.rand(1, 3, 6, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = network.body[:-1](0.5 * given + 0.5)
        painted = network(given)
    assert hidden.dtype == torch.bfloat16
    last = F.pixel_shuffle(2 * network.body[-1](hidden.float()), 2) + F.interpolate(given, scale_factor=2)
    torch.testing.assert_close(painted, last)


def spandrel() -> Any:
    try:
        return import_module("spandrel")
    except Exception as error:
        pytest.skip(f"spandrel does not import here: {error}")


@pytest.mark.parametrize(("scale", "width", "depth"), SIZES)
def test_spandrel_knows_it_by_its_weights(scale: int, width: int, depth: int) -> None:
    network = drawn(scale, width, depth)
    loaded = spandrel().ModelLoader().load_from_state_dict(network.state_dict())
    assert loaded.architecture.id == "Compact"
    assert (loaded.scale, loaded.input_channels, loaded.output_channels) == (scale, 3, 3)
    assert loaded.tags == [f"{width}nf", f"{depth}nc"]
    picture = torch.rand(1, 3, 9, 8)
    with torch.no_grad():
        painted = 0.5 * network(2 * picture - 1) + 0.5
        torch.testing.assert_close(loaded.model(picture), painted, rtol=1e-4, atol=1e-4)
