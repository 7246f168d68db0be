import numpy as np
import torch
from torch.autograd import gradcheck

from ganvas.objective.segmentation import cross_entropy, overlap_loss

LOGITS = torch.randn(3, 1, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MASK = (torch.rand(3, 1, 4, 5, generator=torch.Generator().manual_seed(1)) < 0.3).double()


def test_cross_entropy_by_numpy() -> None:
    p, m = 1 / (1 + np.exp(-LOGITS.numpy())), MASK.numpy()
    wanted = -(m * np.log(p) + (1 - m) * np.log(1 - p)).mean((1, 2, 3))
    np.testing.assert_allclose(cross_entropy(LOGITS, MASK).numpy(), wanted)


def test_overlap_by_numpy() -> None:
    p, m = 1 / (1 + np.exp(-LOGITS.numpy())), MASK.numpy()
    both, each = (p * m).sum((1, 2, 3)), p.sum((1, 2, 3)) + m.sum((1, 2, 3))
    np.testing.assert_allclose(overlap_loss(LOGITS, MASK).numpy(), 1 - (2 * both + 1) / (each + 1))


def test_gradients() -> None:
    logits = LOGITS.clone().requires_grad_()
    assert gradcheck(lambda x: cross_entropy(x, MASK), logits)
    assert gradcheck(lambda x: overlap_loss(x, MASK), logits)


def test_sure_and_right_costs_nothing() -> None:
    for mask in (MASK, torch.zeros_like(MASK)):
        sure = 60 * (2 * mask - 1)
        torch.testing.assert_close(cross_entropy(sure, mask), torch.zeros(3, dtype=torch.float64))
        torch.testing.assert_close(overlap_loss(sure, mask), torch.zeros(3, dtype=torch.float64))
