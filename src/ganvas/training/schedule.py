"""Schedules of learning rate, penalty weight, Adam's second decay and the average's half-life."""

import math
from dataclasses import dataclass

from ganvas.training.config import TrainingOptions


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at 1 on half a cosine, then constant (R3GAN, appendix)."""
    return end + 0.5 * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) * (start - end)


@dataclass(frozen=True)
class Scheduled:
    """The scheduled values at one moment."""

    lr: float
    gamma: float
    beta2: float
    ema_decay: float
    burn_in: float
    """Progress through the burn-in, 0 to 1."""


def scheduled(options: TrainingOptions, seen_images: int) -> Scheduled:
    """All scheduled values after ``seen_images`` images."""
    burn_in_images = options.burn_in_kimg * 1000
    burn_in = min(seen_images / burn_in_images, 1.0) if burn_in_images else 1.0
    halflife_images = cosine(0.0, options.ema_kimg * 1000, burn_in)
    return Scheduled(
        lr=cosine(options.lr, options.lr_final, burn_in),
        gamma=cosine(options.gamma, options.gamma_final, burn_in),
        beta2=cosine(options.beta2, options.beta2_final, burn_in),
        ema_decay=0.5 ** (options.images_per_step / halflife_images) if halflife_images else 0.0,
        burn_in=burn_in,
    )
