from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ganvas.network.features.classifier import Classifier
from ganvas.network.features.efficientnet_lite import EfficientNetLite
from ganvas.network.features.fold import folded
from ganvas.network.features.inception_v3 import InceptionV3
from ganvas.network.features.mobilenet_v2 import MobileNetV2
from ganvas.network.features.random import RandomFeatures
from ganvas.network.features.state import fill_, read_state
from tests.network.features.networks import noise, shaken, weights_at_hand

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "inception-v3": InceptionV3,
    "efficientnet-lite0": EfficientNetLite,
    "mobilenet-v2": MobileNetV2,
    "random": RandomFeatures,
    "classifier": lambda: Classifier(32, 10),
}


def made(name: str) -> nn.Module:
    return RandomFeatures(3) if name == "random" else shaken(NETWORKS[name]())


def error(seen: Tensor, exact: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((seen - exact).abs().max() / exact.abs().max()) if exact.numel() else 0.0


@torch.no_grad()
@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_sees_the_same(name: str) -> None:
    """Exactly in float64; in float32 no worse than the network itself, whose rounding depends on its values."""
    network, exact, images = made(name), made(name).double(), noise(2, 107)
    quick, truth = folded(network), exact(images.double())
    for folded_exact, plain, other, right in zip(
        folded(exact)(images.double()), network(images), quick(images), truth, strict=True
    ):
        assert error(folded_exact, right) < 1e-12 if name != "random" else error(folded_exact, right) == 0
        assert error(other, right) < 2 * error(plain, right) + 1e-6
    three = (exact.stages(images.double()), network.stages(images), quick.stages(images))  # type: ignore[operator]
    for right, plain, other in zip(*three, strict=True):
        assert error(other, right) < 2 * error(plain, right) + 1e-6


@torch.no_grad()
@pytest.mark.parametrize("name", ["efficientnet-lite0", "mobilenet-v2"])
def test_trained_features_stay_within_a_hundred_thousandth(name: str) -> None:
    path = weights_at_hand(name)
    network = NETWORKS[name]()
    fill_(network, read_state(path), str(path))
    images = noise(2, 224)
    assert error(folded(network)(images).features, network.eval()(images).features) < 1e-5


def test_the_network_itself_stays_as_it_was() -> None:
    network = shaken(NETWORKS["classifier"]()).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded(network)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_left_to_normalise_or_train(name: str) -> None:
    quick = folded(NETWORKS[name]())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    assert not any(parameter.requires_grad for parameter in quick.parameters())
    assert not any(module.training for module in quick.modules())
    filters = [module.weight for module in quick.modules() if isinstance(module, nn.Conv2d)]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in filters)


@torch.no_grad()
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_every_term_of_the_formula_counts(bias: bool, affine: bool) -> None:
    """Double precision, so that a forgotten eps or bias cannot hide."""
    conv = nn.Conv2d(4, 6, 3, groups=2, bias=bias)
    network = shaken(nn.Sequential(conv, nn.BatchNorm2d(6, eps=0.1, affine=affine))).double()
    images = torch.randn(2, 4, 9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(folded(network)(images), network(images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(3)),
    ],
)
def test_a_norm_that_is_not_the_convolution_s_is_refused(network: nn.Module) -> None:
    with pytest.raises(ValueError, match="does not come after its convolution"):
        folded(network)
