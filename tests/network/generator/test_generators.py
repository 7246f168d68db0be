"""What holds for every generator."""

import pytest
import torch
from torch import nn

from ganvas.errors import UsageError
from ganvas.network.generator import GENERATORS, build_generator
from tests.network.architectures import (
    LATENT_DIM,
    NAMES,
    SIZES,
    draws,
    one_hot,
    perturbed,
    plain,
    small_arguments,
    small_generator,
)

every = pytest.mark.parametrize("name", NAMES)


def test_the_list_is_the_one_tested() -> None:
    assert sorted(GENERATORS) == sorted(NAMES)


@every
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("label_dim", [0, 5])
def test_pictures_have_the_asked_shape(name: str, size: tuple[int, int], channels: int, label_dim: int) -> None:
    images = small_generator(name, size, channels, label_dim)(draws(3, LATENT_DIM), one_hot(3, label_dim))
    assert images.shape == (3, channels, *size)
    assert images.dtype == torch.float32
    assert images.isfinite().all()
    assert images.std() > 1e-3


@every
@pytest.mark.parametrize("size", [(4, 4), (5, 31), (8, 7), (41, 43)])
def test_small_and_prime_sizes(name: str, size: tuple[int, int]) -> None:
    assert small_generator(name, size)(draws(2, LATENT_DIM)).shape == (2, 3, *size)


@every
@pytest.mark.parametrize("label_dim", [0, 5])
def test_gradient_reaches_every_weight(name: str, label_dim: int) -> None:
    network = perturbed(small_generator(name, label_dim=label_dim))
    network(draws(4, LATENT_DIM), one_hot(4, label_dim)).square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key


@every
def test_condition_matters(name: str) -> None:
    network = perturbed(small_generator(name, label_dim=5)).eval()
    latent = draws(1, LATENT_DIM).expand(5, -1)
    images = network(latent, torch.eye(5))
    assert (images[1:] - images[:1]).abs().flatten(1).amax(1).min() > 1e-4


@every
def test_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    network = perturbed(small_generator(name, label_dim=5)).eval()
    latent, condition = draws(4, LATENT_DIM), one_hot(4, 5)
    assert condition is not None
    together = network(latent, condition)
    alone = torch.cat([network(latent[i : i + 1], condition[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@every
def test_the_seed_decides_the_weights(name: str) -> None:
    first, second = small_generator(name).state_dict(), small_generator(name).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@every
@pytest.mark.parametrize("size", [(28, 28), (17, 33)])
def test_channels_last_changes_nothing(name: str, size: tuple[int, int]) -> None:
    network = perturbed(small_generator(name, size)).eval()
    expected = network(draws(2, LATENT_DIM))
    turned = network.to(memory_format=torch.channels_last)(draws(2, LATENT_DIM))  # type: ignore[call-overload]
    torch.testing.assert_close(expected, turned, atol=1e-5, rtol=1e-5)


@every
def test_autocast_gives_float32_pictures_close_to_those_without(name: str) -> None:
    network = perturbed(small_generator(name, (28, 28), label_dim=5)).eval()
    latent, condition = draws(4, LATENT_DIM), one_hot(4, 5)
    exact = network(latent, condition)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = network(latent, condition)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).square().mean() < 2e-3 * exact.square().mean()
    # Not merely bfloat16 written as float32: that would leave the low 16 bits empty.
    assert (rounded.view(torch.int32) & 0xFFFF).any()


@every
def test_float64_runs_in_float64(name: str) -> None:
    network = small_generator(name, label_dim=5).double().eval()
    condition = one_hot(2, 5)
    assert condition is not None
    assert network(draws(2, LATENT_DIM).double(), condition.double()).dtype == torch.float64


@every
def test_missing_or_superfluous_condition_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"needs a condition of shape \(N, 5\)"):
        small_generator(name, label_dim=5)(draws(2, LATENT_DIM))
    with pytest.raises(UsageError, match="unconditional"):
        small_generator(name)(draws(2, LATENT_DIM), torch.eye(2))


@every
def test_attributes_are_the_arguments(name: str) -> None:
    arguments = {**small_arguments(name, (17, 33), 3, 5), "latent_dim": LATENT_DIM}
    network = build_generator(name, arguments)
    assert {key: getattr(network, key) for key in arguments} == plain(arguments)


@pytest.mark.parametrize(("name", "bounded"), [(n, n in ("mlp", "dcgan", "resnet")) for n in NAMES])
def test_the_classics_are_bounded_and_the_others_are_not(name: str, bounded: bool) -> None:
    network = small_generator(name).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                module.weight.mul_(20)
    largest = network(draws(4, LATENT_DIM)).abs().max()
    assert largest <= 1 if bounded else largest > 1
