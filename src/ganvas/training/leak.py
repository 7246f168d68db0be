"""Whether a generator paints pictures as the augmentation makes them."""

import math

import torch
from torch import Tensor

LEAK_DIRECTIONS = 16
LEAK_DEVIATIONS = 2.0
LARGEST_LEAK = 1.5
"""Fakes can be no further from the reals than what leaked; beyond this they are off for another reason."""


def augmentation_leak(reals: Tensor, augmented_reals: Tensor, fakes: Tensor) -> float:
    """How far fakes have moved from the reals towards the augmented reals; a bound that noise rarely passes.

    In whitened principal directions and their squares (a colour change that is as often brighter as darker moves
    only the squares), let a be the step from the mean of the reals to that of the augmented, and f the step to
    that of the fakes. The leak is the component of f along a, in units of a. What f has in the other directions
    is chance or a generator that is off for other reasons; their root mean square, twice, is taken away.
    Fakes further out than the augmented pictures are not explained by them: no leak.

    Args:
        reals: Features ``(N, F)``, N at least 16.
        augmented_reals: Features ``(N, F)`` of the same pictures after augmentation.
        fakes: Features ``(M, F)``.

    Returns:
        0 none (or too few pictures to tell), to 1 and a little above: the generator paints augmented pictures.
        Weak augmentations (p below about 0.3 with 256 pictures) stay below what can be seen.
    """
    count = len(reals)
    sets = torch.cat([reals, augmented_reals, fakes]).cpu().double()
    directions = min(LEAK_DIRECTIONS, count // 8)
    principal = _whitened(sets, 2 * count, directions)
    both = _whitened(torch.cat([principal, principal.square()], dim=1), 2 * count, 2 * directions)
    real_mean = both[:count].mean(0)
    towards_augmented = both[count : 2 * count].mean(0) - real_mean
    towards_fakes = both[2 * count :].mean(0) - real_mean
    length = float(towards_augmented.norm())
    if length == 0 or len(towards_augmented) < 2:
        return 0.0
    along = float(towards_fakes @ towards_augmented) / length
    others = len(towards_augmented) - 1
    elsewhere = math.sqrt(max(float(towards_fakes.square().sum()) - along**2, 0.0) / others)
    leak = (along - LEAK_DEVIATIONS * elsewhere) / length
    return max(leak, 0.0) if along <= LARGEST_LEAK * length else 0.0


def _whitened(rows: Tensor, reference: int, directions: int) -> Tensor:
    """Rows in the principal directions of the first ``reference`` of them, each with variance 1 there."""
    mean = rows[:reference].mean(0)
    _, scales, axes = torch.linalg.svd((rows[:reference] - mean) / math.sqrt(reference - 1), full_matrices=False)
    kept = min(int((scales > 1e-6 * scales[:1]).sum()), directions)
    whitened: Tensor = (rows - mean) @ axes[:kept].T / scales[:kept]
    return whitened
