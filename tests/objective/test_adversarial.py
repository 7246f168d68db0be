from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.objective.adversarial import LOSSES, Adversarial, sign_statistic
from ganvas.tensors import Judgement
from ganvas.training.config import LossName

Array = NDArray[np.float64]
Heads = Sequence[tuple[int, ...]]

SHAPES: list[Heads] = [
    [(5,)],
    [(5, 1)],
    [(5, 1, 3, 4)],
    [(5,), (5, 1, 2, 2), (5, 1, 1, 7)],
]


def soft(x: Array) -> Array:
    return np.asarray(np.logaddexp(0.0, x))


# The critic's loss of one real and one fake logit, and the generator's: written from the papers.
STATEMENTS: dict[str, tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]] = {
    "minimax": (lambda r, f: soft(-r) + soft(f), lambda r, f: -soft(f)),
    "non-saturating": (lambda r, f: soft(-r) + soft(f), lambda r, f: soft(-f)),
    "least-squares": (lambda r, f: 0.5 * (r - 1) ** 2 + 0.5 * f**2, lambda r, f: 0.5 * (f - 1) ** 2),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "hinge": (lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f), lambda r, f: -f),
    "relativistic": (lambda r, f: soft(f - r), lambda r, f: soft(r - f)),
}


def logits(heads: Heads, seed: int, scale: float = 2.0) -> list[Array]:
    random = np.random.default_rng(seed)
    return [scale * random.standard_normal(shape) for shape in heads]


def judgement(arrays: Sequence[Array], dtype: torch.dtype = torch.float64) -> Judgement:
    return Judgement(tuple(torch.tensor(array, dtype=dtype) for array in arrays))


def stated(statement: Callable[[Array, Array], Array], real: list[Array], fake: list[Array]) -> Array:
    """The mean over positions, then over heads."""
    heads = [statement(r, f).reshape(len(r), -1).mean(1) for r, f in zip(real, fake, strict=True)]
    return np.asarray(np.mean(heads, axis=0))


def test_the_names_are_those_of_the_statements_and_of_the_options() -> None:
    assert set(LOSSES) == set(STATEMENTS)
    assert get_args(LossName) == tuple(LOSSES)
    assert [loss.name for loss in LOSSES.values()] == list(LOSSES)
    assert [name for name, loss in LOSSES.items() if loss.relativistic] == ["relativistic"]


@pytest.mark.parametrize("heads", SHAPES, ids=str)
@pytest.mark.parametrize("name", STATEMENTS)
def test_agrees_with_the_numpy_statement(name: str, heads: Heads) -> None:
    real, fake = logits(heads, 1), logits(heads, 2)
    critic, generator = STATEMENTS[name]
    loss = LOSSES[name]
    critic_loss = loss.critic(judgement(real), judgement(fake))
    generator_loss = loss.generator(judgement(fake), judgement(real))
    assert critic_loss.shape == generator_loss.shape == (5,)
    np.testing.assert_allclose(critic_loss, stated(critic, real, fake), rtol=1e-12)
    np.testing.assert_allclose(generator_loss, stated(generator, real, fake), rtol=1e-12)


@pytest.mark.parametrize("name", STATEMENTS)
def test_stays_finite_and_right_at_huge_logits(name: str) -> None:
    corners = np.array([-1e4, -1e4, 1e4, 1e4, 0.0]), np.array([-1e4, 1e4, -1e4, 1e4, 0.0])
    real, fake = ([corner] for corner in corners)
    loss = LOSSES[name]
    leaves = judgement(real, torch.float32), judgement(fake, torch.float32)
    for leaf in leaves:
        leaf.logits[0].requires_grad_()
    critic_loss, generator_loss = loss.critic(*leaves), loss.generator(leaves[1], leaves[0])
    critic, generator = STATEMENTS[name]
    np.testing.assert_allclose(critic_loss.detach(), stated(critic, real, fake), rtol=1e-6)
    np.testing.assert_allclose(generator_loss.detach(), stated(generator, real, fake), rtol=1e-6)
    (critic_loss.sum() + generator_loss.sum()).backward()
    for leaf in leaves:
        assert leaf.logits[0].grad is None or leaf.logits[0].grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradients_agree_with_finite_differences(loss: Adversarial) -> None:
    leaves = [torch.tensor(array, requires_grad=True) for array in logits([(3,), (3, 1, 2, 2)], 3)]
    others = [torch.tensor(array, requires_grad=True) for array in logits([(3,), (3, 1, 2, 2)], 4)]

    def critic(*parts: Tensor) -> Tensor:
        return loss.critic(Judgement(parts[:2]), Judgement(parts[2:]))

    def generator(*parts: Tensor) -> Tensor:
        return loss.generator(Judgement(parts[2:]), Judgement(parts[:2]))

    assert torch.autograd.gradcheck(critic, (*leaves, *others))
    assert torch.autograd.gradcheck(generator, (*leaves, *others))
    assert torch.autograd.gradgradcheck(critic, (*leaves, *others))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_players_pull_in_opposite_directions(loss: Adversarial) -> None:
    real = torch.linspace(0.1, 0.9, 6, requires_grad=True)  # between the targets of least squares
    fake = torch.linspace(0.8, 0.2, 6, requires_grad=True)
    critic = torch.autograd.grad(loss.critic(Judgement((real,)), Judgement((fake,))).sum(), (real, fake))
    (generator,) = torch.autograd.grad(loss.generator(Judgement((fake,)), Judgement((real.detach(),))).sum(), fake)
    assert (critic[0] < 0).all()  # the critic lifts reals
    assert (critic[1] > 0).all()  # and lowers fakes,
    assert (generator < 0).all()  # which the generator lifts


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if not loss.relativistic])
def test_only_relativistic_generators_need_the_reals(name: str) -> None:
    real, fake = judgement(logits([(4,)], 5)), judgement(logits([(4,)], 6))
    assert torch.equal(LOSSES[name].generator(fake, None), LOSSES[name].generator(fake, real))


def test_relativistic_pairs_by_index() -> None:
    real, fake = logits([(4, 1, 2, 2)], 7), logits([(4, 1, 2, 2)], 8)
    loss = LOSSES["relativistic"]
    straight = loss.critic(judgement(real), judgement(fake)).mean()
    crossed = loss.critic(judgement(real), judgement([fake[0][::-1].copy()])).mean()
    assert not torch.isclose(straight, crossed)
    with pytest.raises(ValueError, match="zip"):
        loss.critic(judgement(real), judgement([*fake, *fake]))


def test_the_sign_statistic_counts_reals_beyond_the_boundary() -> None:
    real = Judgement((torch.tensor([2.0, 0.3, 0.7, -1.0]), torch.tensor([[1.0], [1.0], [-3.0], [0.0]])))
    fake = Judgement((torch.tensor([3.0, 0.0, 0.6, -2.0]), torch.tensor([[0.0], [2.0], [-3.0], [1.0]])))
    at_zero = ((1 + 1 + 1 - 1) / 4 + (1 + 1 - 1 + 0) / 4) / 2
    at_half = ((1 - 1 + 1 - 1) / 4 + (1 + 1 - 1 - 1) / 4) / 2
    paired = ((-1 + 1 + 1 + 1) / 4 + (1 - 1 + 0 - 1) / 4) / 2
    expected = {
        "minimax": at_zero,
        "non-saturating": at_zero,
        "hinge": at_zero,
        "least-squares": at_half,
        "wasserstein": paired,
        "relativistic": paired,
    }
    for name, value in expected.items():
        assert sign_statistic(real, fake, LOSSES[name]).item() == pytest.approx(value)


def test_the_sign_statistic_takes_maps_and_carries_no_gradient() -> None:
    real = Judgement((torch.ones(2, 1, 3, 3, requires_grad=True),))
    fake = Judgement((torch.zeros(2, 1, 3, 3, requires_grad=True),))
    for loss in LOSSES.values():
        statistic = sign_statistic(real, fake, loss)
        assert statistic.shape == ()
        assert statistic.item() == 1.0
        assert not statistic.requires_grad
