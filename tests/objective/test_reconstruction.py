from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from ganvas.objective.reconstruction import charbonnier, frequency, perceptual


def pair(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    drawn = torch.rand(2, 3, 2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return drawn[0].to(dtype) * 2 - 1, drawn[1].to(dtype) * 2 - 1


def stages(images: Tensor) -> tuple[Tensor, ...]:
    return images, torch.cat([images.square(), images[:, :1] * 3], 1)[:, :, ::2]


@pytest.mark.parametrize("eps", [1e-3, 0.5])
def test_charbonnier_by_numpy(eps: float) -> None:
    painted, target = pair()
    wanted = (np.sqrt((painted.numpy() - target.numpy()) ** 2 + eps**2) - eps).mean((1, 2, 3))
    np.testing.assert_allclose(charbonnier(painted, target, eps).numpy(), wanted)


def test_frequency_by_the_definition_of_the_transform() -> None:
    painted, target = pair()
    height, width = painted.shape[2:]
    rows = np.exp(-2j * np.pi * np.outer(np.arange(height), np.arange(height)) / height)
    columns = np.exp(-2j * np.pi * np.outer(np.arange(width), np.arange(width)) / width)
    whole = rows @ (painted - target).numpy() @ columns.T / np.sqrt(height * width)
    half = whole[..., : width // 2 + 1]
    wanted = (np.abs(half.real) + np.abs(half.imag)).mean((1, 2, 3)) / 2
    np.testing.assert_allclose(frequency(painted, target).numpy(), wanted)


@pytest.mark.parametrize("normalised", [True, False])
def test_perceptual_by_numpy(normalised: bool) -> None:
    painted, target = pair()
    total = np.zeros(3)
    for a, b in zip(stages(painted), stages(target), strict=True):
        x, y = a.numpy(), b.numpy()
        if normalised:
            x, y = (maps / np.sqrt((maps**2).sum(1, keepdims=True) + 1e-10) for maps in (x, y))
            total += ((x - y) ** 2).sum(1).mean((1, 2))
        else:
            total += np.abs(x - y).mean((1, 2, 3))
    np.testing.assert_allclose(perceptual(painted, target, stages, normalised=normalised).numpy(), total / 2)


def test_no_gradient_flows_to_the_target() -> None:
    painted, target = pair()
    perceptual(painted.requires_grad_(), target.requires_grad_(), stages).sum().backward()
    assert painted.grad is not None
    assert target.grad is None


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "charbonnier": charbonnier,
    "frequency": frequency,
    "perceptual": lambda painted, target: perceptual(painted, target, stages),
    "plain perceptual": lambda painted, target: perceptual(painted, target, stages, normalised=False),
}
every = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@every
def test_gradients(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    painted, target = pair()
    assert gradcheck(lambda images: loss(images, target), painted.requires_grad_())


@every
def test_equal_pictures_have_none_and_samples_stay_apart(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    painted, target = pair()
    torch.testing.assert_close(loss(target, target), torch.zeros(3, dtype=torch.float64))
    whole = loss(painted, target)
    assert whole.shape == (3,)
    for row in range(3):
        torch.testing.assert_close(loss(painted[row : row + 1], target[row : row + 1])[0], whole[row])


def test_half_precision_does_not_overflow() -> None:
    images = torch.full((1, 1, 256, 256), 1.0, dtype=torch.bfloat16)
    assert frequency(images, -images).isfinite().all()
