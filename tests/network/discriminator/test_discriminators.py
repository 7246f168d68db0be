"""What holds for every discriminator."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from ganvas.errors import UsageError
from ganvas.network.discriminator import DISCRIMINATORS, build_discriminator
from tests.network.architectures import (
    NAMES,
    SIZES,
    draws,
    one_hot,
    perturbed,
    plain,
    small_arguments,
    small_discriminator,
)

every = pytest.mark.parametrize("name", NAMES)


def logits(network: nn.Module, images: Tensor, condition: Tensor | None = None) -> Tensor:
    (head,) = network(images, condition).logits
    assert isinstance(head, Tensor)
    return head


def test_the_list_is_the_one_tested() -> None:
    # The patch critic takes any size and planes in the place of labels; it has tests of its own.
    assert sorted(DISCRIMINATORS) == sorted([*NAMES, "patch"])


@every
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("label_dim", [0, 5])
def test_one_finite_logit_a_picture(name: str, size: tuple[int, int], channels: int, label_dim: int) -> None:
    network = small_discriminator(name, size, channels, label_dim)
    head = logits(network, draws(3, channels, *size), one_hot(3, label_dim))
    assert head.shape == (3,)
    assert head.isfinite().all()
    assert head.std() > 1e-4


@every
@pytest.mark.parametrize("size", [(4, 4), (5, 31), (8, 7), (41, 43)])
def test_small_and_prime_sizes(name: str, size: tuple[int, int]) -> None:
    assert logits(small_discriminator(name, size), draws(2, 3, *size)).shape == (2,)


@every
def test_features_go_from_fine_to_coarse(name: str) -> None:
    features = small_discriminator(name, (24, 40))(draws(2, 3, 24, 40)).features
    assert len(features) >= 2
    assert all(len(feature) == 2 and feature.requires_grad for feature in features)
    pixels = [feature[0, 0].numel() for feature in features]
    assert pixels == sorted(pixels, reverse=True)


@every
@pytest.mark.parametrize("label_dim", [0, 5])
def test_gradient_reaches_every_weight(name: str, label_dim: int) -> None:
    network = perturbed(small_discriminator(name, label_dim=label_dim))
    logits(network, draws(4, 3, 17, 33), one_hot(4, label_dim)).square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key


@every
def test_condition_matters(name: str) -> None:
    network = perturbed(small_discriminator(name, label_dim=5)).eval()
    head = logits(network, draws(1, 3, 17, 33).expand(5, -1, -1, -1), torch.eye(5))
    assert head.unique().numel() == 5


@every
@pytest.mark.parametrize("training", [True, False])
def test_a_judgement_does_not_depend_on_its_batch(name: str, training: bool) -> None:
    network = perturbed(small_discriminator(name, batchnorm=not training))
    # Spectral normalisation moves at every training pass; that is no coupling of samples.
    network.train(training and name != "resnet")
    images = draws(4, 3, 17, 33)
    alone = torch.cat([logits(network, image[None]) for image in images])
    torch.testing.assert_close(logits(network, images), alone, atol=1e-5, rtol=1e-5)


@every
def test_the_seed_decides_the_weights(name: str) -> None:
    first, second = small_discriminator(name).state_dict(), small_discriminator(name).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@every
@pytest.mark.parametrize("size", [(28, 28), (17, 33)])
def test_channels_last_changes_nothing(name: str, size: tuple[int, int]) -> None:
    network, images = perturbed(small_discriminator(name, size)).eval(), draws(2, 3, *size)
    expected = logits(network, images)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    turned = logits(network, images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(expected, turned, atol=1e-5, rtol=1e-5)


@every
def test_autocast_gives_float32_logits_close_to_those_without(name: str) -> None:
    network = perturbed(small_discriminator(name, (28, 28), label_dim=5)).eval()
    images, condition = draws(8, 3, 28, 28), one_hot(8, 5)
    exact = logits(network, images, condition)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = logits(network, images, condition)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).std() < 0.05 * exact.std()
    # Not merely bfloat16 written as float32: that would leave the low 16 bits empty.
    assert (rounded.view(torch.int32) & 0xFFFF).any()


def tiny_float64(name: str, label_dim: int = 3) -> tuple[nn.Module, Tensor, Tensor]:
    network = perturbed(small_discriminator(name, (9, 8), 1, label_dim).double()).eval()
    return network, draws(2, 1, 9, 8).double(), torch.eye(label_dim, dtype=torch.float64)[:2]


@every
def test_second_derivative(name: str) -> None:
    network, images, condition = tiny_float64(name)
    images.requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda images: logits(network, images, condition).tanh(), (images,), fast_mode=True
    )


@every
def test_gradient_penalty_reaches_the_weights(name: str) -> None:
    """The weights' gradient of the squared image gradient, against a central difference along a direction."""
    network, images, condition = tiny_float64(name)
    images.requires_grad_()
    parameters = list(network.parameters())
    directions = [torch.randn(p.shape, generator=torch.Generator().manual_seed(3), dtype=p.dtype) for p in parameters]

    def penalty() -> Tensor:
        (gradient,) = torch.autograd.grad(logits(network, images, condition).sum(), images, create_graph=True)
        return gradient.square().sum()

    def moved(step: float) -> float:
        with torch.no_grad():
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter.add_(step * direction)
        value = penalty().item()
        with torch.no_grad():
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter.sub_(step * direction)
        return value

    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    along = sum((g * d).sum().item() for g, d in zip(gradients, directions, strict=True) if g is not None)
    assert along == pytest.approx((moved(1e-6) - moved(-1e-6)) / 2e-6, rel=1e-4)


@every
@pytest.mark.parametrize("label_dim", [0, 3])
def test_forward_mode_is_the_gradient_along_the_direction(name: str, label_dim: int) -> None:
    network = perturbed(small_discriminator(name, (9, 8), 1, label_dim).double()).eval()
    images, direction = draws(2, 1, 9, 8).double(), draws(2, 1, 9, 8, seed=4).double()
    condition = torch.eye(3, dtype=torch.float64)[:2] if label_dim else None
    with forward_ad.dual_level():
        judged = logits(network, forward_ad.make_dual(images, direction), condition)
        tangent = forward_ad.unpack_dual(judged).tangent
        assert tangent is not None
    images.requires_grad_()
    (gradient,) = torch.autograd.grad(logits(network, images, condition).sum(), images)
    torch.testing.assert_close(tangent, (gradient * direction).flatten(1).sum(1), atol=1e-12, rtol=1e-10)
    assert tangent.abs().min() > 1e-9


@every
def test_forward_mode_runs_under_autocast_and_its_square_reaches_the_weights(name: str) -> None:
    network = perturbed(small_discriminator(name, (28, 28), batchnorm=False))
    images, direction = draws(4, 3, 28, 28), draws(4, 3, 28, 28, seed=4)
    with forward_ad.dual_level(), torch.autocast("cpu", dtype=torch.bfloat16):
        judged = logits(network, forward_ad.make_dual(images, direction))
        tangent = forward_ad.unpack_dual(judged).tangent
    assert tangent is not None
    tangent.square().sum().backward()
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    assert all(weight.grad is not None and weight.grad.any() for weight in weights)


@every
def test_missing_or_superfluous_condition_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"needs a condition of shape \(N, 5\)"):
        small_discriminator(name, label_dim=5)(draws(2, 3, 17, 33))
    with pytest.raises(UsageError, match="unconditional"):
        small_discriminator(name)(draws(2, 3, 17, 33), torch.eye(2))


@every
def test_attributes_are_the_arguments(name: str) -> None:
    arguments = small_arguments(name, (17, 33), 3, 5)
    network = build_discriminator(name, arguments)
    assert {key: getattr(network, key) for key in arguments} == plain(arguments)
