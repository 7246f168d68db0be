"""How far logits are from a mask: pure functions, one number a sample."""

import torch.nn.functional as F
from torch import Tensor

from ganvas.tensors import PerSample


def cross_entropy(logits: Tensor, mask: Tensor) -> PerSample:
    """Mean binary cross-entropy, in nats.

    Args:
        logits: ``(N, 1, H, W)``; positive means marked.
        mask: The same shape, 0 or 1.

    Returns:
        ``(N,)``.
    """
    loss = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    return loss.flatten(1).mean(1)


def overlap_loss(logits: Tensor, mask: Tensor, smooth: float = 1.0) -> PerSample:
    """One less the soft Dice coefficient ``2 sum(p m) / (sum p + sum m)`` (Milletari et al. 2016, V-Net, eq. 3).

    Args:
        logits: ``(N, 1, H, W)``.
        mask: The same shape, 0 or 1.
        smooth: Added above and below, so that nothing found where nothing is counts as right.

    Returns:
        ``(N,)``, from 0 to 1.
    """
    found, wanted = logits.sigmoid().flatten(1), mask.flatten(1)
    return 1 - (2 * (found * wanted).sum(1) + smooth) / (found.sum(1) + wanted.sum(1) + smooth)
