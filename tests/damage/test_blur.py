import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from ganvas.damage.blur import REACH, blurred, draw_kernels
from ganvas.draw import Draw
from tests.damage.photographs import scenes


def test_every_picture_by_its_own_kernel() -> None:
    images, kernels = scenes(3, 20, 24), draw_kernels(Draw(1, 3), torch.tensor([0.5, 1.5, 2.3]))
    out = blurred(images, kernels)
    for row in range(3):
        for channel in range(3):
            wanted = correlate(images[row, channel].double().numpy(), kernels[row].double().numpy(), mode="nearest")
            np.testing.assert_allclose(out[row, channel].numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("extent", [0.6, 1.0, 2.0])
def test_the_extent_is_the_standard_deviation_along_the_long_axis(extent: float) -> None:
    kernels = draw_kernels(Draw(0, 200), torch.full((200,), extent)).double()
    line = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    y, x = line[:, None], line[None]
    torch.testing.assert_close(kernels.sum((1, 2)), torch.ones(200, dtype=torch.float64), atol=1e-6, rtol=0)
    covariance = torch.stack([(kernels * a * b).sum((1, 2)) for a in (y, x) for b in (y, x)], 1).view(-1, 2, 2)
    longest = torch.linalg.eigvalsh(covariance)[:, 1].sqrt()
    assert (longest - extent).abs().quantile(0.9) < 0.05 * extent + 0.1  # pixels are coarse for small ones
    assert len(kernels[:, REACH, REACH].round(decimals=4).unique()) > 40  # ovals and motions of many directions


def test_no_extent_is_no_blur() -> None:
    images = scenes(8, 16, 16)
    assert torch.equal(blurred(images, draw_kernels(Draw(0, 8), torch.zeros(8))), images)


def test_slices_are_parts_of_the_whole() -> None:
    draw, extent = Draw(5, 6), torch.linspace(0, 2, 6)
    assert torch.equal(draw_kernels(draw.rows(2, 5), extent[2:5]), draw_kernels(draw, extent)[2:5])
