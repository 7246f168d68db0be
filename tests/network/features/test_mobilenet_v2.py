import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.features import load_feature_network
from ganvas.network.features.mobilenet_v2 import MobileNetV2
from ganvas.network.features.state import fill_, read_state
from tests.network.features.networks import noise, shaken, shapes_sha256, waves, weights_at_hand

SHAPES = "d613ea65450d53182cb0463e1d07b0654fa8762aa0f8b9f034d8ef0357f070e3"
"""Of the names and shapes in torchvision 0.28.0."""

WAVES = [-4.5812, 3.82191, 0.61995, -3.20993, -1.51084, -0.13548, 2.23629, 0.39706]
"""Every 125th logit that torchvision 0.28.0 gives `waves` with the public weights, in float64."""


def test_names_and_shapes_are_the_public_file_s() -> None:
    with torch.device("meta"):
        assert shapes_sha256(MobileNetV2().state_dict()) == SHAPES


def layer(state: dict[str, Tensor], conv: str, norm: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[conv + ".weight"]
    gamma, beta, mean, var = (state[f"{norm}.{key}"] for key in ("weight", "bias", "running_mean", "running_var"))
    x = F.conv2d(x, weight, None, stride, weight.shape[2] // 2, 1, x.shape[1] // weight.shape[1])
    return F.batch_norm(x, mean, var, gamma, beta, eps=1e-5)


def reference(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Logits, from the file's names."""
    x = layer(state, "features.0.0", "features.0.1", x, 2).clamp(0, 6)
    for number in range(1, 18):
        conv = f"features.{number}.conv."
        stride = 2 if number in (2, 4, 7, 14) else 1
        y, step = x, 0
        if number > 1:
            y, step = layer(state, conv + "0.0", conv + "0.1", y).clamp(0, 6), 1
        y = layer(state, f"{conv}{step}.0", f"{conv}{step}.1", y, stride).clamp(0, 6)
        y = layer(state, f"{conv}{step + 1}", f"{conv}{step + 2}", y)
        x = x + y if number in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16) else y
    x = layer(state, "features.18.0", "features.18.1", x).clamp(0, 6).mean((2, 3))
    return x @ state["classifier.1.weight"].T + state["classifier.1.bias"]


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 64), (75, 50)])
def test_values_are_those_of_another_statement(size: tuple[int, int]) -> None:
    network = shaken(MobileNetV2()).double()
    images = noise(2, *size).double()
    torch.testing.assert_close(network(images).logits, reference(network.state_dict(), images), rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_stages_are_the_last_maps_of_each_resolution() -> None:
    network = shaken(MobileNetV2())
    widths = [(16, 48), (24, 24), (32, 12), (96, 6), (320, 3)]
    maps = network.stages(noise(1, 96))
    assert [tuple(x.shape) for x in maps] == [(1, width, side, side) for width, side in widths]
    for x, after, following in zip(maps, maps[1:], ((2, 4), (4, 7), (7, 14), (14, 18)), strict=False):
        torch.testing.assert_close(network.features[slice(*following)](x), after)


@torch.no_grad()
def test_public_weights_give_torchvision_s_logits() -> None:
    path = weights_at_hand("mobilenet-v2")
    network = MobileNetV2()
    fill_(network, read_state(path), str(path))
    images = waves(224, network.offset, network.scale)
    logits = network.eval().double()(images).logits[0]
    np.testing.assert_allclose(logits[::125].numpy(), WAVES, atol=2e-5)
    assert int(logits.argmax()) == 723
    folded = load_feature_network("mobilenet-v2").network(images.float()).logits[0]
    np.testing.assert_allclose(folded[::125].numpy(), WAVES, atol=1e-3)
