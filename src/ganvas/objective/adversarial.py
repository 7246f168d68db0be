"""The adversarial losses: what a critic and a generator want of the critic's logits.

Every loss is a pair of plain functions of judgements that return one number a sample, ``(N,)``. Logit heads
may be maps, and there may be several: the nonlinearity acts on every logit, then comes the mean over
positions and heads. Reals and fakes are paired by their index in the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganvas.tensors import Judgement, Logits, PerSample


@dataclass(frozen=True)
class Adversarial:
    """One adversarial game.

    Attributes:
        name: Its name in a configuration.
        critic: The critic's loss of (real, fake), ``(N,)``.
        generator: The generator's loss of (fake, real), ``(N,)``; ``real`` may be None unless relativistic.
        relativistic: Whether the generator's loss needs the reals' judgement.
        boundary: The logit between "looks fake" and "looks real"; None where only the difference between a
            real and a fake has a meaning.
    """

    name: str
    critic: Callable[[Judgement, Judgement], PerSample]
    generator: Callable[[Judgement, Judgement | None], PerSample]
    relativistic: bool
    boundary: float | None


def _mean(judgement: Judgement, loss: Callable[[Logits], Logits]) -> PerSample:
    return judgement._replace(logits=tuple(loss(logits) for logits in judgement.logits)).score()


def _difference(real: Judgement, fake: Judgement) -> Judgement:
    return real._replace(logits=tuple(r - f for r, f in zip(real.logits, fake.logits, strict=True)))


def _logistic_critic(real: Judgement, fake: Judgement) -> PerSample:
    return _mean(real, lambda r: softplus(-r)) + _mean(fake, softplus)


def _saturating_generator(fake: Judgement, real: Judgement | None) -> PerSample:
    return _mean(fake, lambda f: -softplus(f))


def _non_saturating_generator(fake: Judgement, real: Judgement | None) -> PerSample:
    return _mean(fake, lambda f: softplus(-f))


def _least_squares_critic(real: Judgement, fake: Judgement) -> PerSample:
    return _mean(real, lambda r: (r - 1).square() / 2) + _mean(fake, lambda f: f.square() / 2)


def _least_squares_generator(fake: Judgement, real: Judgement | None) -> PerSample:
    return _mean(fake, lambda f: (f - 1).square() / 2)


def _wasserstein_critic(real: Judgement, fake: Judgement) -> PerSample:
    return fake.score() - real.score()


def _hinge_critic(real: Judgement, fake: Judgement) -> PerSample:
    return _mean(real, lambda r: relu(1 - r)) + _mean(fake, lambda f: relu(1 + f))


def _linear_generator(fake: Judgement, real: Judgement | None) -> PerSample:
    return -fake.score()


def _relativistic_critic(real: Judgement, fake: Judgement) -> PerSample:
    return _mean(_difference(real, fake), lambda difference: softplus(-difference))


def _relativistic_generator(fake: Judgement, real: Judgement | None) -> PerSample:
    assert real is not None, "the relativistic generator needs the reals' judgement"
    return _mean(_difference(real, fake), softplus)


LOSSES = {
    loss.name: loss
    for loss in (
        # Goodfellow et al. 2014, arXiv:1406.2661, eq. 1; non-saturating: section 3
        Adversarial("minimax", _logistic_critic, _saturating_generator, relativistic=False, boundary=0.0),
        Adversarial("non-saturating", _logistic_critic, _non_saturating_generator, relativistic=False, boundary=0.0),
        # Mao et al. 2017, arXiv:1611.04076, eq. 9; the boundary is half-way between the targets 0 and 1
        Adversarial("least-squares", _least_squares_critic, _least_squares_generator, relativistic=False, boundary=0.5),
        # Arjovsky et al. 2017, arXiv:1701.07875, eq. 2
        Adversarial("wasserstein", _wasserstein_critic, _linear_generator, relativistic=False, boundary=None),
        # Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16-17
        Adversarial("hinge", _hinge_critic, _linear_generator, relativistic=False, boundary=0.0),
        # Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441, eq. 2
        Adversarial("relativistic", _relativistic_critic, _relativistic_generator, relativistic=True, boundary=None),
    )
}


def sign_statistic(real: Judgement, fake: Judgement, loss: Adversarial) -> Tensor:
    """How surely the critic tells reals: the mean sign of its logits on them, from -1 to 1.

    The overfitting heuristic r_t of ADA (Karras et al. 2020, arXiv:2006.06676, eq. 1): near 0 early in
    training, near 1 when the critic knows its training pictures by heart.

    Args:
        real: Judgement of reals.
        fake: Judgement of the fakes paired with them.
        loss: The loss in use. Its boundary is where a sign changes; without one, as in relativistic pairing,
            the sign is that of D(x_i) - D(G(z_i)).

    Returns:
        A scalar without gradient.
    """
    boundary = loss.boundary
    if boundary is None:
        return _mean(_difference(real, fake), lambda difference: difference.detach().sign()).mean()
    return _mean(real, lambda logits: (logits.detach() - boundary).sign()).mean()
