"""The adaptive augmentation policy: p follows how much the critic overfits.

ADA, Karras et al. 2020, arXiv:2006.06676, section 3. The state is one float, which the caller keeps. A bound
is part of it: above 0.8 the paper measured leaks, and unbounded runs have been seen to run away.
"""

P_MAX = 0.8
RAMP_KIMG = 500.0
"""Thousand images a way from 0 to 1 takes."""


def adapt(p: float, statistic: float, target: float, images_seen_since: int, *, p_max: float = P_MAX) -> float:
    """One move: up when the critic is surer of its reals than the target, down when it is less sure.

    Args:
        p: The state so far, 0 at the start.
        statistic: `ganvas.objective.adversarial.sign_statistic`; NaN moves nothing.
        target: The statistic to steer for; 0.6 in the paper.
        images_seen_since: Reals seen since the last move.
        p_max: The highest p.

    Returns:
        The new state, in [0, p_max].
    """
    direction = (statistic > target) - (statistic < target)
    return min(max(p + direction * images_seen_since / (RAMP_KIMG * 1000), 0.0), p_max)
