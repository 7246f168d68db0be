import math

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from ganvas.damage.blur import blurred, gaussian_kernels, motion_kernels
from tests.damage.photographs import photographs


def test_a_round_blur_is_scipys() -> None:
    images = photographs(3, (40, 52))
    widths = torch.tensor([0.5, 1.0, 1.6])
    painted = blurred(images, gaussian_kernels(widths, widths, torch.tensor([0.0, 0.7, 2.0])))
    for picture, width, found in zip(images, widths, painted, strict=True):
        expected = np.stack([gaussian_filter(p, float(width), mode="mirror", radius=5) for p in picture.numpy()])
        assert np.abs(found.numpy() - expected).max() < 2e-6


def test_no_width_and_no_length_change_nothing() -> None:
    images, none = photographs(2), torch.zeros(2)
    assert torch.equal(blurred(images, gaussian_kernels(none, none, none + 1)), images)
    assert torch.equal(blurred(images, motion_kernels(none, none)), images)


def test_widths_lie_along_and_across_the_angle() -> None:
    angle = torch.tensor([0.0, math.pi / 2, math.pi / 6])
    kernels = gaussian_kernels(torch.full((3,), 1.5), torch.full((3,), 0.8), angle)
    at = torch.arange(-5.0, 6.0)
    for kernel, turn in zip(kernels, angle.tolist(), strict=True):
        along = at * math.cos(turn) + at[:, None] * math.sin(turn)
        across = at[:, None] * math.cos(turn) - at * math.sin(turn)
        assert abs(float((kernel * along.square()).sum()) - 1.5**2) < 0.05
        assert abs(float((kernel * across.square()).sum()) - 0.8**2) < 0.05
        assert abs(float((kernel * along * across).sum())) < 0.02


def test_a_motion_is_a_line_as_long_as_asked() -> None:
    right, down = motion_kernels(torch.tensor([4.0, 6.0]), torch.tensor([0.0, math.pi / 2]))
    assert torch.allclose(right[5], torch.tensor([0, 0, 0, 0.5, 1, 1, 1, 0.5, 0, 0, 0]) / 4)
    assert right.sum() == right[5].sum()
    assert (down[:, 5] > 0).sum() == 7
    slant = motion_kernels(torch.tensor([7.0]), torch.tensor([math.pi / 4]))[0]
    assert torch.allclose(slant, slant.T)
    assert slant.diagonal().sum() > 2 * slant.fliplr().diagonal().sum()


def test_every_sample_has_its_own_kernel_and_flat_stays_flat() -> None:
    images = photographs(3, (24, 30))
    kernels = gaussian_kernels(torch.tensor([1.5, 0.3, 1.0]), torch.tensor([0.5, 0.3, 1.2]), torch.tensor([1.0, 0, 2]))
    together = blurred(images, kernels)
    for row in range(3):
        assert torch.allclose(together[row], blurred(images[row : row + 1], kernels[row : row + 1])[0], atol=1e-6)
    assert torch.allclose(blurred(torch.ones(3, 1, 12, 12), kernels), torch.ones(3, 1, 12, 12), atol=1e-6)
