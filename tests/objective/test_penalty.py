import itertools
import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganvas.augment.transform import KINDS, draw_transform
from ganvas.draw import Draw
from ganvas.errors import UsageError
from ganvas.objective.penalty import (
    PENALTIES,
    clip_weights_,
    interpolated_penalty,
    judged_with_gradient,
    judged_with_tangent,
    refuse_batchnorm,
)
from ganvas.tensors import Judgement
from ganvas.training.config import PenaltyName


class Critic(nn.Module):
    """A smooth critic with a map and a scalar head, in float64."""

    def __init__(self, channels: int = 2, side: int = 6) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(channels, 4, 3, padding=1, dtype=torch.float64)
        self.patch = nn.Conv2d(4, 1, 3, stride=2, dtype=torch.float64)
        self.head = nn.Linear(4 * side * side, 1, dtype=torch.float64)

    def forward(self, images: Tensor) -> Judgement:
        hidden = torch.tanh(self.trunk(images))
        return Judgement((self.patch(hidden.sin()), self.head(hidden.flatten(1)).exp()[:, 0]), (hidden,))


class Quadratic(nn.Module):
    """D(x) = xᵀ A x + b·x, whose gradient is (A + Aᵀ) x + b."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(dim, dim, dtype=torch.float64) / dim)
        self.b = nn.Parameter(torch.randn(dim, dtype=torch.float64))

    def forward(self, images: Tensor) -> Judgement:
        x = images.flatten(1)
        return Judgement(((x @ self.A * x).sum(1) + x @ self.b,))

    def gradient(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ (self.A + self.A.T) + self.b


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def pictures(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def weight_gradients(loss: Tensor, network: nn.Module) -> Tensor:
    parts = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts])


def test_of_a_linear_critic_is_the_squared_weight() -> None:
    weight = pictures(3, 4, 5)
    judged, squared = judged_with_gradient(lambda x: Judgement(((x * weight).sum((1, 2, 3)),)), pictures(7, 3, 4, 5))
    torch.testing.assert_close(squared, weight.square().sum().expand(7), rtol=1e-14, atol=0)
    assert judged.score().shape == (7,)


def test_of_a_quadratic_critic_is_analytic() -> None:
    critic, images = Quadratic(12), pictures(5, 3, 2, 2)
    _, squared = judged_with_gradient(critic, images)
    torch.testing.assert_close(squared, critic.gradient(images).square().sum(1), rtol=1e-13, atol=0)


def test_takes_the_mean_over_heads_and_positions() -> None:
    weight = pictures(3, 4, 5)

    def judge(images: Tensor) -> Judgement:
        return Judgement((3 * (images * weight).sum((1, 2, 3)), images * weight))

    _, squared = judged_with_gradient(judge, pictures(2, 3, 4, 5))
    factor = (3 + 1 / weight.numel()) / 2
    torch.testing.assert_close(squared, (factor * weight).square().sum().expand(2), rtol=1e-13, atol=0)


def test_each_sample_is_its_own() -> None:
    critic, images = Critic(), pictures(4, 2, 6, 6)
    _, together = judged_with_gradient(critic, images)
    alone = [judged_with_gradient(critic, image[None])[1] for image in images]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-12, atol=0)


@pytest.mark.parametrize("along", [False, True], ids=["exact", "directional"])
def test_the_judgement_is_the_critics_and_its_maker_gets_no_gradient(along: bool) -> None:
    critic, images, tangent = Critic(), pictures(3, 2, 6, 6).requires_grad_(), pictures(3, 2, 6, 6)
    judged, squared = (
        judged_with_tangent(critic, images * 1.0, tangent) if along else judged_with_gradient(critic, images * 1.0)
    )
    plain = critic(images)
    for ours, theirs in zip((*judged.logits, *judged.features), (*plain.logits, *plain.features), strict=True):
        assert torch.equal(ours, theirs)
    (judged.score().sum() + squared.sum()).backward()
    assert images.grad is None
    assert all(parameter.grad is not None for parameter in critic.trunk.parameters())


def penalty_of_weights(
    penalty: Callable[[Callable[[Tensor], Judgement]], Tensor], critic: nn.Module
) -> tuple[Callable[..., Tensor], tuple[Tensor, ...]]:
    names = [name for name, _ in critic.named_parameters()]

    def of_weights(*weights: Tensor) -> Tensor:
        named = dict(zip(names, weights, strict=True))
        return penalty(lambda images: functional_call(critic, named, (images,)))

    return of_weights, tuple(parameter.detach().requires_grad_() for parameter in critic.parameters())


@pytest.mark.parametrize("way", ["exact", "directional", "interpolated"])
def test_its_gradients_agree_with_finite_differences(way: str) -> None:
    images, others, mix = (
        pictures(2, 1, 3, 3),
        pictures(2, 1, 3, 3),
        torch.tensor([0.3, 0.8], dtype=torch.float64),
    )
    ways: dict[str, Callable[[Callable[[Tensor], Judgement]], Tensor]] = {
        "exact": lambda judge: judged_with_gradient(judge, images)[1],
        "directional": lambda judge: judged_with_tangent(judge, images, others)[1],
        "interpolated": lambda judge: interpolated_penalty(judge, images, others, mix),
    }
    of_weights, weights = penalty_of_weights(ways[way], Critic(1, 3))
    assert torch.autograd.gradcheck(of_weights, weights, fast_mode=True)
    if way != "directional":
        assert torch.autograd.gradgradcheck(of_weights, weights, fast_mode=True)


def test_the_tangent_gives_the_squared_directional_derivative() -> None:
    critic, images, v = Critic(), pictures(5, 2, 6, 6), pictures(5, 2, 6, 6)
    _, squared = judged_with_tangent(critic, images, v)
    images.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).score().sum(), images, create_graph=True)
    expected = (gradient * v).sum((1, 2, 3)).square()
    torch.testing.assert_close(squared, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        weight_gradients(squared.sum(), critic),
        weight_gradients(expected.sum(), critic),
        rtol=1e-11,
        atol=1e-12,
    )


@pytest.mark.parametrize("directions", ["axes", "signs"])
def test_over_all_directions_of_unit_covariance_it_is_the_exact_penalty(directions: str) -> None:
    """√d eᵢ for every i, or every choice of signs: value and weight gradient must agree to the last digits."""
    critic, images, dim = Critic(1, 3), pictures(2, 1, 3, 3), 9
    chosen = {
        "axes": math.sqrt(dim) * torch.eye(dim),
        "signs": torch.tensor([*itertools.product([-1.0, 1.0], repeat=dim)]),
    }
    every = chosen[directions].double().view(-1, 1, 3, 3)
    count = len(every)
    _, squared = judged_with_tangent(critic, images.repeat_interleave(count, 0), every.repeat(2, 1, 1, 1))
    directional = squared.view(2, count).mean(1)
    _, exact = judged_with_gradient(critic, images)
    torch.testing.assert_close(directional, exact, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        weight_gradients(directional.sum(), critic),
        weight_gradients(exact.sum(), critic),
        rtol=1e-11,
        atol=1e-13,
    )


def test_over_drawn_directions_it_is_unbiased() -> None:
    critic, image = Quadratic(8), pictures(1, 2, 2, 2)
    _, exact = judged_with_gradient(critic, image)
    truth = torch.cat([exact, weight_gradients(exact.sum(), critic)])
    blocks = []
    for block in range(40):
        v = Draw(block, 2000).signs(2, 2, 2).double()
        _, squared = judged_with_tangent(critic, image.repeat(2000, 1, 1, 1), v)
        mean = squared.mean()
        blocks.append(torch.cat([mean[None], weight_gradients(mean, critic)]).detach())
    stacked = torch.stack(blocks)
    standard_error = stacked.std(0) / math.sqrt(len(blocks))
    assert standard_error[0] < 0.02 * truth[0]  # precise enough for the comparison to mean something
    assert ((stacked.mean(0) - truth).abs() < 4.5 * standard_error).all()


def test_signs_vary_less_than_normals_and_as_much_as_the_formula_says() -> None:
    critic, image, count = Quadratic(8), pictures(1, 2, 2, 2), 40_000
    gradient = critic.gradient(image).detach()[0]
    images = image.expand(count, -1, -1, -1)
    found = {
        name: float(judged_with_tangent(critic, images, v.double())[1].detach().var())
        for name, v in (("signs", Draw(0, count).signs(2, 2, 2)), ("normals", Draw(0, count).normal(2, 2, 2)))
    }
    fourth = float(gradient.square().sum() ** 2)
    assert found["normals"] == pytest.approx(2 * fourth, rel=0.1)
    assert found["signs"] == pytest.approx(2 * (fourth - float((gradient**4).sum())), rel=0.05)
    assert found["signs"] < found["normals"]


@pytest.mark.parametrize("kind", KINDS)
def test_directions_pass_through_every_augmentation(kind: str) -> None:
    critic, images, v = Critic(3), pictures(6, 3, 6, 6), pictures(6, 3, 6, 6)
    transform = draw_transform([kind], 1.0, Draw(3, 6), (6, 6), 3)
    _, squared = judged_with_tangent(critic, transform.apply(images), transform.tangent(v))
    images.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(transform.apply(images)).score().sum(), images, create_graph=True)
    expected = (gradient * v).sum((1, 2, 3)).square()
    torch.testing.assert_close(squared, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(
        weight_gradients(squared.sum(), critic),
        weight_gradients(expected.sum(), critic),
        rtol=1e-9,
        atol=1e-11,
    )
    _, exact = judged_with_gradient(lambda x: critic(transform.apply(x)), images)
    torch.testing.assert_close(exact, gradient.square().sum((1, 2, 3)), rtol=1e-12, atol=0)


def test_an_expanded_view_is_a_picture_like_any_other() -> None:
    critic, row, v = Critic(), pictures(3, 2, 1, 6), pictures(3, 2, 6, 6)
    stripes = row.expand(-1, -1, 6, -1)
    assert torch.equal(judged_with_tangent(critic, stripes, v)[1], judged_with_tangent(critic, stripes.clone(), v)[1])


def test_a_critic_blind_to_the_images_is_a_mistake() -> None:
    blind = Judgement((torch.zeros(2, requires_grad=True),))
    with pytest.raises(AssertionError, match="does not depend"):
        judged_with_tangent(lambda _: blind, pictures(2, 1, 3, 3), pictures(2, 1, 3, 3))


def test_forward_mode_raises_no_warning_of_torch() -> None:
    """In a fresh process, as torch warns once: on the first use of forward mode."""
    program = (
        "import torch; from ganvas.objective.penalty import judged_with_tangent as j; "
        "from ganvas.tensors import Judgement; x = torch.ones(1, 1, 2, 2); "
        "j(lambda i: Judgement((i.sum((1, 2, 3)),)), x, x)"
    )
    run = subprocess.run([sys.executable, "-W", "always", "-c", program], check=True, capture_output=True, text=True)
    assert "deprecated" not in run.stderr


def test_warnings_of_the_critic_still_reach_the_user() -> None:
    def judge(images: Tensor) -> Judgement:
        warnings.warn("mine", DeprecationWarning, stacklevel=1)
        return Judgement((images.sum((1, 2, 3)),))

    with pytest.warns(DeprecationWarning, match="mine"):
        judged_with_tangent(judge, pictures(1, 1, 2, 2), pictures(1, 1, 2, 2))


def test_the_interpolated_penalty_is_analytic_between_real_and_fake() -> None:
    critic, real, fake = Quadratic(12), pictures(3, 3, 2, 2), pictures(3, 3, 2, 2)
    mix = torch.tensor([0.0, 1.0, 0.25], dtype=torch.float64)
    between = torch.stack([fake[0], real[1], 0.25 * real[2] + 0.75 * fake[2]])
    expected = (critic.gradient(between).norm(dim=1) - 1).square()
    torch.testing.assert_close(interpolated_penalty(critic, real, fake, mix), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_interpolated_penalty_survives_a_flat_critic(dtype: torch.dtype) -> None:
    weight = torch.zeros(12, dtype=dtype, requires_grad=True)
    images = torch.randn(2, 3, 2, 2, dtype=dtype)
    penalty = interpolated_penalty(
        lambda x: Judgement((x.flatten(1) @ weight,)), images, -images, torch.full((2,), 0.3, dtype=dtype)
    )
    penalty.sum().backward()
    assert penalty.tolist() == [1.0, 1.0]
    assert weight.grad is not None
    assert weight.grad.tolist() == [0.0] * 12


def test_clipping_bounds_every_weight_and_keeps_the_small_ones() -> None:
    critic = Critic()
    before = [parameter.detach().clone() for parameter in critic.parameters()]
    assert max(float(weight.abs().max()) for weight in before) > 0.1
    clip_weights_(critic.parameters(), 0.1)
    for parameter, weight in zip(critic.parameters(), before, strict=True):
        assert torch.equal(parameter, weight.clip(-0.1, 0.1))
        assert parameter.requires_grad


def test_the_options_name_the_penalties_there_are() -> None:
    assert sorted(get_args(PenaltyName)) == sorted(PENALTIES)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(3), nn.BatchNorm2d(3), nn.SyncBatchNorm(3), nn.LazyBatchNorm2d()], ids=str
)
def test_a_batchnorm_critic_is_refused_by_name_for_every_per_sample_penalty(layer: nn.Module) -> None:
    critic = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(layer))
    for penalty in PENALTIES:
        if penalty in ("none", "clip"):
            refuse_batchnorm(critic, "D_frame", penalty)
        else:
            with pytest.raises(UsageError, match=r"'D_frame'.*BatchNorm.*") as refusal:
                refuse_batchnorm(critic, "D_frame", penalty)
            assert f"'{penalty}'" in str(refusal.value)


def test_a_critic_without_batchnorm_takes_every_penalty() -> None:
    for penalty in PENALTIES:
        refuse_batchnorm(nn.Sequential(nn.Conv2d(3, 3, 1), nn.InstanceNorm2d(3)), "D", penalty)
