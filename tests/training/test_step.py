"""The losses of one step against the game written out by hand with autograd, in float64."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganvas.device import autocast
from ganvas.draw import Draw
from ganvas.tensors import Judgement
from ganvas.training.step import Log, critic_loss, generator_loss, sides
from ganvas.training.task import Row, Term
from tests.training.games import N, game, pictures


class Critic(nn.Module):
    """A smooth critic with two heads, with or without a condition."""

    def __init__(self, condition_dim: int = 0) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(1, 6, 3, padding=1)
        self.patch = nn.Conv2d(6, 1, 3, stride=2)
        self.head = nn.Linear(6, 1)
        self.embed = nn.Linear(condition_dim, 6) if condition_dim else None

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Judgement:
        hidden = torch.tanh(2 * self.trunk(images))
        pooled = hidden.mean((2, 3))
        if self.embed is not None and condition is not None:
            pooled = pooled * self.embed(condition)
        return Judgement((self.patch(hidden), self.head(pooled)[:, 0]), (hidden,))


def made() -> tuple[Critic, Row]:
    torch.manual_seed(0)
    return Critic(), Row("d", pictures(1), pictures(2))


def squared_gradient(judge: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """‖∇D‖² a sample, by hand."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(images).sum(), images, create_graph=True)
    return (gradient**2).sum((1, 2, 3))


def gradients(loss: Tensor, network: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters()), allow_unused=True, materialize_grads=True))


def agree(loss: Tensor, critic: nn.Module, expected: Tensor, double: nn.Module) -> None:
    """The same value, and the same gradient in every weight."""
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(gradients(loss, critic), gradients(expected, double), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5)


def test_relativistic_with_r1_and_r2_is_r3gan() -> None:
    critic, row = made()
    loss, log = critic_loss([row], {"d": critic}, game(penalty="r1+r2", gamma=3.0), Draw(0, N))
    double = copy.deepcopy(critic).double()
    real, fake = row.real.double(), row.fake.double()
    r, f = double(real), double(fake)
    pairs = [softplus(-(a - b)) for a, b in zip(r.logits, f.logits, strict=True)]
    adversarial = (pairs[0].mean((1, 2, 3)) + pairs[1]).mean() / 2
    r1 = squared_gradient(lambda x: double(x).score(), real).mean()
    r2 = squared_gradient(lambda x: double(x).score(), fake).mean()
    agree(loss, critic, adversarial + 3.0 / 2 * (r1 + r2), double)
    for name, value in (("loss", adversarial), ("r1", r1), ("r2", r2)):
        assert log[f"d/{name}"].item() == pytest.approx(value.item(), rel=1e-5)
        assert not log[f"d/{name}"].requires_grad
    sign = torch.stack([torch.sign(a - b).mean() for a, b in zip(r.logits, f.logits, strict=True)]).mean()
    assert log["d/sign"].item() == pytest.approx(sign.item(), abs=1e-6)


@pytest.mark.parametrize(("penalty", "at_real", "at_fake"), [("r1", 1, 0), ("r2", 0, 1), ("none", 0, 0)])
def test_non_saturating_with_each_penalty(penalty: str, at_real: int, at_fake: int) -> None:
    critic, row = made()
    loss, log = critic_loss([row], {"d": critic}, game("non-saturating", penalty), Draw(0, N))
    double = copy.deepcopy(critic).double()
    real, fake = row.real.double(), row.fake.double()
    heads = zip(double(real).logits, double(fake).logits, strict=True)
    adversarial = sum((softplus(-r).mean() + softplus(f).mean()) / 2 for r, f in heads)
    r1 = squared_gradient(lambda x: double(x).score(), real).mean()
    r2 = squared_gradient(lambda x: double(x).score(), fake).mean()
    agree(loss, critic, adversarial + 1.5 * (at_real * r1 + at_fake * r2), double)
    assert {name for name in ("r1", "r2") if f"d/{name}" in log} == ({penalty} - {"none"})


@dataclass(frozen=True)
class Known(Draw):
    """A draw whose numbers the test can see."""

    drawn: dict[str, list[Tensor]] = field(default_factory=lambda: {"signs": [], "uniform": []})

    def signs(self, *shape: int) -> Tensor:
        self.drawn["signs"].append(super().signs(*shape))
        return self.drawn["signs"][-1]

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        self.drawn["uniform"].append(super().uniform(*shape, low=low, high=high))
        return self.drawn["uniform"][-1]


def test_wgan_gp_is_the_slope_between_real_and_fake() -> None:
    critic, row = made()
    draw = Known(0, N)
    loss, log = critic_loss([row], {"d": critic}, game("wasserstein", "wgan-gp", gamma=10.0), draw)
    (share,) = draw.drawn["uniform"]
    assert share.shape == (N,)
    double = copy.deepcopy(critic).double()
    real, fake, share = row.real.double(), row.fake.double(), share.double().view(-1, 1, 1, 1)
    slope = squared_gradient(lambda x: double(x).score(), share * real + (1 - share) * fake).sqrt()
    penalty = ((slope - 1) ** 2).mean()
    expected = double(fake).score().mean() - double(real).score().mean() + 10 * penalty
    agree(loss, critic, expected, double)
    assert log["d/wgan-gp"].item() == pytest.approx(penalty.item(), rel=1e-5)


@pytest.mark.parametrize("augment", [(), ("flip", "shift", "scale", "rotate", "colour", "cutout")])
@pytest.mark.parametrize("shared", [True, False])
def test_directional_is_the_derivative_along_the_direction_that_was_drawn(augment: Sequence[str], shared: bool) -> None:
    critic, row = made()
    rules = game(penalty="r1+r2", directional=True, augment=augment, augment_p=0.9, augment_shared=shared)
    draw = Known(3, N)
    loss, log = critic_loss([row], {"d": critic}, rules, draw)
    directions = draw.drawn["signs"]
    assert [direction.shape for direction in directions] == [row.real.shape] * 2
    assert not torch.equal(*directions)
    real, fake = (side.augmented for side in sides(row, {"d": critic}, rules, Draw(3, N).named("row", 0)))
    squares = []
    for augmented, images, direction in ((real, row.real, directions[0]), (fake, row.fake, directions[1])):
        images = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(augmented(images)).score().sum(), images, create_graph=True)
        squares.append((gradient * direction).sum((1, 2, 3)).square().mean())
    pairs = zip(critic(real(row.real)).logits, critic(fake(row.fake)).logits, strict=True)
    adversarial = sum(softplus(f - r).mean() / 2 for r, f in pairs)
    expected = adversarial + 1.5 * (squares[0] + squares[1])
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(gradients(loss, critic), gradients(expected, critic), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
    assert [log["d/r1"].item(), log["d/r2"].item()] == pytest.approx([s.item() for s in squares], rel=1e-4)


def test_the_exact_penalty_is_that_of_pictures_before_augmentation() -> None:
    critic, row = made()
    rules = game(penalty="r1", augment=("scale", "colour"), augment_p=1.0)
    _, log = critic_loss([row], {"d": critic}, rules, Draw(3, N))
    real, _ = sides(row, {"d": critic}, rules, Draw(3, N).named("row", 0))
    before = squared_gradient(lambda x: critic(real.augmented(x)).score(), row.real).mean().item()
    after = squared_gradient(lambda x: critic(x).score(), real.augmented(row.real)).mean().item()
    assert log["d/r1"].item() == pytest.approx(before, rel=1e-5)
    assert log["d/r1"].item() != pytest.approx(after, rel=1e-2)


@pytest.mark.parametrize("penalty", ["r1+r2", "wgan-gp"])
def test_a_penalty_that_rests_costs_nothing(penalty: str) -> None:
    critic, row = made()
    with_rest, log = critic_loss([row], {"d": critic}, game(penalty=penalty, gamma=0.0), Draw(0, N))
    without, _ = critic_loss([row], {"d": critic}, game(penalty="none"), Draw(0, N))
    assert torch.equal(with_rest, without)
    assert set(log) == {"d/loss", "d/sign"}


@pytest.mark.parametrize("loss", ["relativistic", "non-saturating", "hinge"])
@pytest.mark.parametrize(
    ("penalty", "directional"), [("r1+r2", False), ("r1+r2", True), ("wgan-gp", False), ("none", False)]
)
@pytest.mark.parametrize("cuts", [(0, 2, 4), (0, 1, 4)])
def test_micro_batches_sum_to_the_whole_batch(
    loss: str, penalty: str, directional: bool, cuts: tuple[int, ...]
) -> None:
    critic, row = made()
    rules = game(loss, penalty, directional=directional, augment=("flip", "shift", "colour"), augment_p=0.7)
    draw = Draw(7, N)
    whole, whole_log = critic_loss([row], {"d": critic}, rules, draw)
    expected = gradients(whole, critic)
    summed, logs = [torch.zeros_like(p) for p in critic.parameters()], Log()
    for start, stop in pairwise(cuts):
        part = replace(row, real=row.real[start:stop], fake=row.fake[start:stop])
        value, log = critic_loss([part], {"d": critic}, rules, draw.rows(start, stop))
        share = (stop - start) / N
        summed = [s + share * g for s, g in zip(summed, gradients(value, critic), strict=True)]
        logs = {key: logs.get(key, torch.zeros(())) + share * entry for key, entry in log.items()}
    for ours, theirs in zip(summed, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    for key, entry in whole_log.items():
        torch.testing.assert_close(logs[key], entry, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "by_hand"),
    [
        ("relativistic", lambda real, fake: softplus(real - fake)),
        ("non-saturating", lambda real, fake: softplus(-fake)),
        ("minimax", lambda real, fake: -softplus(fake)),
        ("least-squares", lambda real, fake: (fake - 1) ** 2 / 2),
        ("wasserstein", lambda real, fake: -fake),
        ("hinge", lambda real, fake: -fake),
    ],
)
def test_generators_lose_by_the_book(loss: str, by_hand: Callable[[Tensor, Tensor], Tensor]) -> None:
    critic, row = made()
    fake = row.fake.clone().requires_grad_()
    total, log = generator_loss({}, {}, [replace(row, fake=fake)], {}, {"d": critic}, game(loss), Draw(0, N))
    double, twin = copy.deepcopy(critic).double(), row.fake.double().requires_grad_()
    heads = zip(double(row.real.double()).logits, double(twin).logits, strict=True)
    expected = torch.stack([by_hand(r.detach(), f).mean() for r, f in heads]).mean()
    torch.testing.assert_close(total.double(), expected, rtol=1e-5, atol=1e-6)
    (ours,), (theirs,) = torch.autograd.grad(total, fake), torch.autograd.grad(expected, twin)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-7)
    assert log["d/generator_loss"].item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)


def test_terms_count_by_their_weight_whether_a_sample_or_a_scalar() -> None:
    critic, row = made()
    painted = {"x": row.fake.clone().requires_grad_()}
    problem = {"y": row.real}
    networks = {"d": critic}

    def per_sample(problem: Any, painted: Any, networks: Any) -> Tensor:
        assert networks["d"] is critic
        return (painted["x"] - problem["y"]).abs().flatten(1).mean(1)  # type: ignore[no-any-return]

    def scalar(problem: Any, painted: Any, networks: Any) -> Tensor:
        return painted["x"].square().mean()  # type: ignore[no-any-return]

    terms = {Term("pixel", 1.0, per_sample): 2.0, Term("size", 1.0, scalar): 0.25}
    total, log = generator_loss(problem, painted, [], terms, networks, game(), Draw(0, N))
    pixel, size = (row.fake - row.real).abs().mean().item(), row.fake.square().mean().item()
    assert total.item() == pytest.approx(2 * pixel + size / 4, rel=1e-6)
    assert {key: value.item() for key, value in log.items()} == pytest.approx(
        {"term/pixel": pixel, "term/size": size}, rel=1e-6
    )
    both, _ = generator_loss(problem, painted, [row], terms, networks, game(), Draw(0, N))
    rows_only, _ = generator_loss(problem, painted, [row], {}, networks, game(), Draw(0, N))
    assert both.item() == pytest.approx(total.item() + rows_only.item(), rel=1e-6)


def test_rows_are_summed_and_each_asks_its_own_critic_with_its_own_condition() -> None:
    torch.manual_seed(0)
    networks = {"a": Critic(3), "b": Critic()}
    condition = Draw(5, N).normal(3)
    rows = [
        Row("a", pictures(1), pictures(2), real_condition=condition, fake_condition=condition.flip(0)),
        Row("b", pictures(3), pictures(4)),
    ]
    total, log = critic_loss(rows, networks, game("hinge"), Draw(0, N))
    expected = 0.0
    for row in rows:
        real = networks[row.critic](row.real, row.real_condition).logits
        fake = networks[row.critic](row.fake, row.fake_condition).logits
        both = zip(real, fake, strict=True)
        expected += sum(((1 - r).relu().mean() + (1 + f).relu().mean()).item() / 2 for r, f in both)
    assert total.item() == pytest.approx(expected, rel=1e-5)
    assert {key.split("/")[0] for key in log} == {"a", "b"}


def test_losses_are_computed_in_float32_whatever_the_critic_answers_in() -> None:
    critic, row = made()
    rules = game("wasserstein", autocast=lambda: autocast(torch.device("cpu"), "bfloat16"))
    loss, log = critic_loss([row], {"d": critic}, rules, Draw(0, N))
    with rules.autocast():
        real, fake = critic(row.real).logits, critic(row.fake).logits
    assert {logits.dtype for logits in real} == {torch.bfloat16}
    expected = sum((f.float().mean() - r.float().mean()).item() / 2 for r, f in zip(real, fake, strict=True))
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert {value.dtype for value in log.values()} == {torch.float32}
