"""The critic of patches: any size, planes as condition, a map of logits."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

from ganvas.errors import UsageError
from ganvas.network.discriminator import build_discriminator
from ganvas.network.discriminator.patch import PatchDiscriminator
from ganvas.objective.penalty import judged_with_gradient, judged_with_tangent, refuse_batchnorm
from tests.network.architectures import draws, perturbed


def critic(planes: int = 0, channels: int = 3, dtype: torch.dtype = torch.float64) -> PatchDiscriminator:
    torch.manual_seed(0)
    network = PatchDiscriminator(channels=channels, planes=planes, width=4, max_width=8).to(dtype)
    perturbed(network)
    return network


def logits(network: nn.Module, images: Tensor, condition: Tensor | None = None) -> Tensor:
    (head,) = network(images, condition).logits
    assert isinstance(head, Tensor)
    return head


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("planes", [0, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 31), (8, 8), (41, 43), (64, 24)])
def test_one_logit_for_every_eight_pixels_begun(channels: int, planes: int, size: tuple[int, int]) -> None:
    condition = draws(2, planes, *size).double() if planes else None
    head = logits(critic(planes, channels), draws(2, channels, *size).double(), condition)
    assert head.shape == (2, -(-size[0] // 8), -(-size[1] // 8))
    assert head.isfinite().all()


def test_it_is_the_formula() -> None:
    network = PatchDiscriminator(channels=3, width=4, max_width=8, depth=2).double()
    perturbed(network)
    state = network.state_dict()

    def residual(x: Tensor, block: str) -> Tensor:
        first, bias, second = (state[f"{block}.{name}"] for name in ("first.weight", "first.bias", "second.weight"))
        hidden = F.conv2d(F.leaky_relu(x, 0.2), first, bias, padding=1)
        return x + F.conv2d(F.leaky_relu(hidden, 0.2), second, padding=1)

    images = draws(2, 3, 12, 8).double()
    x = F.conv2d(images, state["from_image.0.weight"], state["from_image.0.bias"], stride=2, padding=1)
    x = residual(F.leaky_relu(x, 0.2), "from_image.2")
    x = F.conv2d(F.avg_pool2d(x, 2), state["stages.0.width.weight"])
    x = residual(x, "stages.0.blocks.0")
    expected = F.conv2d(x, state["head.inner.weight"], state["head.inner.bias"])[:, 0]
    torch.testing.assert_close(logits(network, images), expected, rtol=1e-12, atol=1e-12)


def test_the_default_is_small() -> None:
    network = build_discriminator("patch", {"channels": 3})
    assert (
        sum(parameter.numel() for parameter in network.parameters())
        == 1_568 + 18_464 + 2_048 + 73_792 + 8_192 + 295_040 + 129
    )


def test_features_go_from_fine_to_coarse() -> None:
    features = critic()(draws(2, 3, 24, 40).double()).features
    assert [tuple(feature.shape[1:]) for feature in features] == [(4, 12, 20), (8, 6, 10), (8, 3, 5)]


@pytest.mark.parametrize("planes", [0, 4])
def test_gradient_reaches_every_weight_and_plane(planes: int) -> None:
    network, images = critic(planes), draws(2, 3, 17, 33).double().requires_grad_()
    condition = draws(2, planes, 17, 33, seed=4).double().requires_grad_() if planes else None
    logits(network, images, condition).square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key
    for tensor in (images, condition):
        assert tensor is None or (tensor.grad is not None and tensor.grad.flatten(2).any(2).all())


def test_samples_stay_apart() -> None:
    network, images = critic(), draws(4, 3, 17, 33).double()
    refuse_batchnorm(network, "patch", "r1+r2")
    alone = torch.cat([logits(network, image[None]) for image in images])
    torch.testing.assert_close(logits(network, images), alone, rtol=1e-12, atol=1e-12)


def test_a_logit_is_of_its_surroundings_alone() -> None:
    network, images = critic(), draws(1, 3, 160, 16).double()
    whole, part = logits(network, images), logits(network, images[:, :, 16:])
    torch.testing.assert_close(whole[:, 12:], part[:, 10:], rtol=1e-12, atol=1e-12)
    changed = images.clone()
    changed[:, :, :8] += 1.0
    differs = (logits(network, changed) != whole).any(dim=2)[0]
    assert differs[0]
    assert not differs[8:].any()


@pytest.mark.parametrize("planes", [0, 2])
def test_forward_mode_is_the_gradient_along_the_direction(planes: int) -> None:
    network = critic(planes)
    images, direction = draws(3, 3, 9, 14).double(), draws(3, 3, 9, 14, seed=4).double()
    condition = draws(3, planes, 9, 14, seed=5).double() if planes else None
    _, squared = judged_with_tangent(lambda x: network(x, condition), images, direction)
    images.requires_grad_()
    (gradient,) = torch.autograd.grad(network(images, condition).score().sum(), images)
    along = (gradient * direction).flatten(1).sum(1)
    torch.testing.assert_close(squared, along.square(), rtol=1e-10, atol=1e-14)
    assert squared.min() > 1e-12


def test_forward_mode_runs_under_autocast_and_its_square_reaches_the_weights() -> None:
    network, images, direction = critic(dtype=torch.float32), draws(2, 3, 24, 16), draws(2, 3, 24, 16, seed=4)
    with forward_ad.dual_level(), torch.autocast("cpu", dtype=torch.bfloat16):
        tangent = forward_ad.unpack_dual(logits(network, forward_ad.make_dual(images, direction))).tangent
    assert tangent is not None
    assert tangent.dtype == torch.float32
    tangent.square().sum().backward()
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    assert all(weight.grad is not None and weight.grad.any() for weight in weights)


@pytest.mark.parametrize("planes", [0, 2])
def test_the_exact_penalty_can_be_differentiated(planes: int) -> None:
    network, images = critic(planes, 1), draws(1, 1, 6, 5).double()
    condition = draws(1, planes, 6, 5, seed=5).double() if planes else None
    parameters = list(network.parameters())
    direction = [draws(1, *parameter.shape, seed=6)[0].double() for parameter in parameters]

    def penalty() -> Tensor:
        return judged_with_gradient(lambda x: network(x, condition), images)[1].sum()

    def moved(step: float) -> float:
        with torch.no_grad():
            for parameter, way in zip(parameters, direction, strict=True):
                parameter.add_(step * way)
        return penalty().item()

    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    along = sum((g * d).sum().item() for g, d in zip(gradients, direction, strict=True) if g is not None)
    assert along == pytest.approx((moved(1e-6) - moved(-2e-6)) / 2e-6, rel=1e-4)
    images.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: logits(network, x, condition).tanh(), (images,), fast_mode=True)


def test_channels_last_and_autocast() -> None:
    network, images = critic(dtype=torch.float32), draws(4, 3, 40, 24)
    exact = logits(network, images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = logits(network, images)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).std() < 0.05 * exact.std()
    assert (rounded.view(torch.int32) & 0xFFFF).any()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    turned = logits(network, images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(turned, exact, atol=1e-5, rtol=1e-5)


def test_planes_matter_and_wrong_ones_are_refused() -> None:
    network, images = critic(1), draws(2, 3, 16, 16).double()
    masks = torch.zeros(2, 1, 16, 16, dtype=torch.float64)
    assert not torch.equal(logits(network, images, masks), logits(network, images, 1 - masks))
    with pytest.raises(UsageError, match=r"needs condition planes of shape \(2, 1, 16, 16\)"):
        logits(network, images)
    with pytest.raises(UsageError, match="takes no condition planes"):
        logits(critic(), images, masks)
