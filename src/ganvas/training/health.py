"""Whether a run is well: from its vital signs to plain sentences with advice.

The rules look at several ticks, never at one, and at nothing before the networks had time to warm up, so a
healthy run is left alone. Thresholds come from runs of every loss on 28x28 clothes, healthy and spoilt on purpose.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import torch
from torch import Tensor

from ganvas.tensors import PerSample

GRACE_KIMG = 2.0
"""Before this, in every stage, an average of hardly trained weights paints grey and every sign is wild."""
PERSISTENCE = 5
"""Ticks in a row that must agree."""
PENALTY = "--penalty r1+r2"
WORSE_THAN_GUESSING = 2.0
"""Times the loss of a guess: critics that learn were seen at up to 1.3, those whose weights stand still from 2.5."""


@dataclass(frozen=True)
class Vitals:
    """The vital signs of one critic's game at one tick.

    A player that rests in a stage has neither loss nor gradient: both are 0.

    Attributes:
        seen_kimg: Thousand images shown to the critic so far.
        diversity: `ganvas.metric.diversity.diversity` of fakes against reals.
        effective_rank_ratio: `ganvas.metric.diversity.effective_rank` of fakes over that of reals.
        sign_statistic: `ganvas.objective.adversarial.sign_statistic`, from -1 to 1.
        overfitting_gap: `overfitting_gap`, or None without held-out pictures.
        generator_gradient_norm: Mean norm of the generators' gradient since the last tick.
        critic_gradient_norm: Mean norm of the critics' gradient since the last tick.
        critic_loss: Mean adversarial loss of the critic since the last tick.
        generator_loss: Mean adversarial loss of the generators since the last tick.
        leak: `ganvas.training.leak.augmentation_leak`, or None without augmentation.
        augment_p: Augmentation probability.
        penalised: Whether ``--gamma`` weighs anything: a gradient penalty is in play.
        guessing_loss: The critic's loss if it called nothing real or fake; 0 where that loss has no scale, as under
            wasserstein, or is not known.
        stage: Name of the stage being played; what is usual in one is not in the next.
    """

    seen_kimg: float
    diversity: float
    effective_rank_ratio: float
    sign_statistic: float
    overfitting_gap: float | None
    generator_gradient_norm: float
    critic_gradient_norm: float
    critic_loss: float
    generator_loss: float
    leak: float | None
    augment_p: float
    penalised: bool = True
    guessing_loss: float = 0.0
    stage: str = ""


@dataclass(frozen=True)
class Alarm:
    """Something that looks wrong.

    Attributes:
        kind: A key of `RULES`.
        sentence: What it is, by what sign, and what to do.
    """

    kind: str
    sentence: str


def overfitting_gap(train_scores: PerSample, heldout_scores: PerSample, fake_scores: PerSample) -> float:
    """How much the critic favours pictures it was trained on over held-out ones, against how it disfavours fakes.

    ``(E D(train) - E D(heldout)) / (E D(train) - E D(fake))``, r_v of ADA (Karras et al. 2020, arXiv:2006.06676,
    eq. 1), less two standard errors of the numerator, so that few pictures do not look like overfitting.

    Args:
        train_scores: Critic's scores of training pictures, ``(N,)``, N at least 2.
        heldout_scores: Of held-out pictures, ``(M,)``.
        fake_scores: Of fakes, ``(K,)``.

    Returns:
        0 fine, 1 held-out pictures are fakes to the critic: it knows its own by heart.
    """
    train, heldout, fake = (scores.detach().cpu().double() for scores in (train_scores, heldout_scores, fake_scores))
    error = (train.var() / len(train) + heldout.var() / len(heldout)).sqrt()
    gap = (train.mean() - heldout.mean() - 2 * error).item()
    return gap / max(gap, (train.mean() - fake.mean()).item()) if gap > 0 else 0.0


def first_non_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds a NaN or an infinity, or None."""
    finite = {name: torch.isfinite(tensor).all() for name, tensor in tensors.items()}
    for device in dict.fromkeys(flag.device for flag in finite.values()):
        there = [flag for flag in finite.values() if flag.device == device]  # one answer to wait for, not one a tensor
        if not torch.stack(there).all():
            return next(name for name, flag in finite.items() if not flag)
    return None


def diagnose(history: Sequence[Vitals]) -> tuple[Alarm, ...]:
    """What looks wrong now, worst first.

    Args:
        history: The vital signs of one critic's game at every tick so far, oldest first.
    """
    warm = _warm(history)
    if len(warm) < PERSISTENCE:
        return ()
    found = {kind: rule(warm) for kind, rule in RULES.items()}
    if found["collapse"]:
        found["low_diversity"] = None
    return tuple(Alarm(kind, sentence) for kind, sentence in found.items() if sentence)


def _warm(history: Sequence[Vitals]) -> list[Vitals]:
    """The ticks of the present stage, without its first `GRACE_KIMG`."""
    begun = len(history)
    while begun and history[begun - 1].stage == history[-1].stage:
        begun -= 1
    start_kimg = history[begun - 1].seen_kimg if begun else 0.0
    return [vitals for vitals in history[begun:] if vitals.seen_kimg - start_kimg >= GRACE_KIMG]


def _smoother(recent: Sequence[Vitals], how_much: str = "") -> str:
    """What makes the critic smoother: more of its penalty, or one."""
    return f"raise --gamma{how_much}" if recent[-1].penalised else f"start again with {PENALTY}"


def _collapse(warm: Sequence[Vitals]) -> str | None:
    values = [vitals.diversity for vitals in warm[-PERSISTENCE:]]
    if max(values) >= 0.1 or _rising(values):
        return None
    return (
        f"All pictures look alike: their diversity is {values[-1]:.2f} of your data's. Stop and start again with "
        f"{'--gamma four times as large' if warm[-1].penalised else PENALTY}, or with half the --lr."
    )


def _low_diversity(warm: Sequence[Vitals]) -> str | None:
    recent = warm[-PERSISTENCE:]
    spreads, ranks = [v.diversity for v in recent], [v.effective_rank_ratio for v in recent]
    if max(spreads) < 0.5 and not _rising(spreads):
        sign = f"their diversity is {spreads[-1]:.2f} of your data's"
    elif max(ranks) < 0.25 and not _rising(ranks):
        sign = f"they differ in {ranks[-1]:.2f} of the directions your data differs in"
    else:
        return None
    return (
        f"The pictures repeat themselves: {sign}. "
        f"If the next sample grids agree, {_smoother(recent, ' two to four times')}, or use a larger --batch."
    )


def _critic_dead(warm: Sequence[Vitals]) -> str | None:
    recent = warm[-PERSISTENCE:]
    losses, guess = [vitals.critic_loss for vitals in recent], recent[-1].guessing_loss
    if any(vitals.critic_loss == 0 and vitals.critic_gradient_norm == 0 for vitals in recent):
        return None
    if max(vitals.critic_gradient_norm for vitals in recent) < 1e-8:
        sign = "its gradient is zero"
    elif max(vitals.sign_statistic for vitals in recent) < -0.98:
        sign = "it takes almost every fake for more real than a real picture"
    elif 0 < WORSE_THAN_GUESSING * guess < min(losses):
        sign = f"its loss is {losses[-1]:.3g}, where a guess would have {guess:.2g}"
    elif losses[-1] > guess and _monotone(losses) and _monotone([-vitals.generator_loss for vitals in recent]):
        sign = f"its loss only grows ({losses[0]:.3g} to {losses[-1]:.3g}) while the generator's falls"
    elif max(losses) - min(losses) < 1e-3 * abs(losses[-1]) and max(abs(v.sign_statistic) for v in recent) < 0.1:
        sign = f"it guesses, and its loss stands still at {losses[-1]:.4g}"
    else:
        return None
    return (
        f"The discriminator does not learn: {sign}. What the generator learns from it is worthless. "
        f"Check --lr, {'lower --gamma, ' if recent[-1].penalised else ''}or give the discriminator more --width."
    )


def _critic_wins(warm: Sequence[Vitals]) -> str | None:
    recent = warm[-2 * PERSISTENCE :]
    if len(recent) < 2 * PERSISTENCE or min(vitals.sign_statistic for vitals in recent) < 0.995:
        return None
    return (
        f"The discriminator has won: it has told real from fake without a mistake for {_span(recent)}. "
        f"{_smoother(recent, ' two to four times').capitalize()}, or turn on --augment flip,shift,colour."
    )


def _exploding(warm: Sequence[Vitals]) -> str | None:
    spread = min(vitals.diversity for vitals in warm[-PERSISTENCE:])
    if spread > 10:  # healthy runs stay below 2; one that was wild from its start has no usual size to go by
        return (
            f"The pictures have left every range: they differ {spread:.2g} times as much as yours. "
            "Stop and start again with a quarter of the --lr, or with --penalty r1+r2."
        )
    earlier, recent = warm[:-PERSISTENCE], warm[-3:]
    if len(earlier) < PERSISTENCE:
        return None
    for player, norms in _gradient_norms(earlier):
        usual = median(norms)
        now = min(dict(_gradient_norms(recent))[player])
        if usual > 0 and now > 100 * usual:
            return (
                f"The {player}'s gradient explodes: {now:.2g}, {now / usual:.0f} times its usual size. "
                f"Resume with half the --lr, or {_smoother(recent)}."
            )
    return None


def _vanishing(warm: Sequence[Vitals]) -> str | None:
    recent = warm[-PERSISTENCE:]
    if any(vitals.generator_loss == 0 and vitals.generator_gradient_norm == 0 for vitals in recent):
        return None
    now = max(vitals.generator_gradient_norm for vitals in recent)
    usual = median(vitals.generator_gradient_norm for vitals in warm)
    if now >= 1e-9 and now >= 1e-3 * usual:
        return None
    return (
        f"The generator has stopped learning: its gradient has vanished ({now:.2g}, usually {usual:.2g}). "
        f"The discriminator is too sure: use --loss relativistic or non-saturating, or {_smoother(recent)}."
    )


def _overfitting(warm: Sequence[Vitals]) -> str | None:
    gaps = [vitals.overfitting_gap for vitals in warm[-PERSISTENCE:]]
    known = [gap for gap in gaps if gap is not None]
    if len(known) < PERSISTENCE or min(known) <= 0.4:
        return None
    return (
        f"The discriminator learns your pictures by heart: held-out ones look {known[-1]:.0%} as fake to it as "
        "the generator's. Add pictures, or use --mirror, or --augment flip,shift,colour with a larger --augment-p; "
        "the best model so far is kept."
    )


def _leak(warm: Sequence[Vitals]) -> str | None:
    leaks = [vitals.leak for vitals in warm[-PERSISTENCE:]]
    known = [leak for leak in leaks if leak is not None]
    if len(known) < PERSISTENCE or min(known) <= 0.3:
        return None
    return (
        f"Augmentation leaks into the pictures: they have gone at least {known[-1]:.0%} of the way from your pictures "
        f"to the augmented ones. Lower --augment-p (now {warm[-1].augment_p:.2g}) or leave a kind out of --augment."
    )


RULES: dict[str, Callable[[Sequence[Vitals]], str | None]] = {
    "collapse": _collapse,
    "critic_dead": _critic_dead,
    "exploding": _exploding,
    "vanishing": _vanishing,
    "low_diversity": _low_diversity,
    "critic_wins": _critic_wins,
    "overfitting": _overfitting,
    "leak": _leak,
}
"""Every kind of alarm, worst first, and the rule that raises it from at least `PERSISTENCE` ticks."""


def _rising(values: Sequence[float]) -> bool:
    return values[-1] > 1.2 * values[0]


def _monotone(values: Sequence[float]) -> bool:
    """Whether every value is clearly above the one before."""
    return all(after - before > 0.01 * abs(after) for before, after in pairwise(values))


def _span(vitals: Sequence[Vitals]) -> str:
    return f"{vitals[-1].seen_kimg - vitals[0].seen_kimg:.3g} kimg"


def _gradient_norms(vitals: Sequence[Vitals]) -> list[tuple[str, list[float]]]:
    return [
        ("generator", [v.generator_gradient_norm for v in vitals]),
        ("discriminator", [v.critic_gradient_norm for v in vitals]),
    ]
