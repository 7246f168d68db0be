import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.damage.rescale import rescaled, shrink_kernels, shrunk
from tests.damage.photographs import photographs


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("kernel", "filter_"),
    [(0, Image.Resampling.BICUBIC), (1, Image.Resampling.BOX), (2, Image.Resampling.LANCZOS)],
)
def test_pure_kernels_are_pillows(scale: int, kernel: int, filter_: Image.Resampling) -> None:
    images = photographs(2, (96, 120))
    kernels = shrink_kernels(scale, torch.eye(3)[[kernel, kernel]], torch.zeros(2))
    painted = shrunk(images, scale, kernels)
    assert painted.shape == (2, 3, 96 // scale, 120 // scale)
    for picture, found in zip(images, painted, strict=True):
        for plane, small in zip(picture.numpy(), found, strict=True):
            expected = np.asarray(Image.fromarray(plane).resize((120 // scale, 96 // scale), filter_))
            inner = (slice(4, -4), slice(4, -4))  # Pillow weighs the border otherwise
            assert np.abs(small.numpy() - expected)[inner].max() < 2e-5


def test_flat_stays_flat_up_to_the_border() -> None:
    kernels = shrink_kernels(4, torch.tensor([[0.5, 0.2, 0.3]]), torch.tensor([0.8]))
    assert torch.allclose(shrunk(torch.full((1, 3, 16, 8), 0.7), 4, kernels), torch.tensor(0.7), atol=1e-6)


def test_every_sample_has_its_own_kernel_and_blur_blurs() -> None:
    images = photographs(1, (64, 64)).expand(3, -1, -1, -1)
    mix = torch.tensor([[0.0, 1, 0], [0, 1, 0], [0, 0, 1]])
    painted = shrunk(images, 2, shrink_kernels(2, mix, torch.tensor([0.0, 1.0, 0.0])))
    assert torch.allclose(painted[0], avg_pool2d(images[:1], 2)[0], atol=1e-6)
    rough = painted.diff(dim=3).abs().mean((1, 2, 3))
    assert rough[1] < 0.95 * rough[0]
    assert (painted[2] - painted[0]).abs().mean() > 1e-3


def test_smaller_and_back_is_torchs_and_each_samples_own() -> None:
    images = photographs(3, (40, 50))
    painted = rescaled(images, [0.5, 1.0, 0.7], ["area", "bicubic", "bilinear"], ["bilinear", "bicubic", "bicubic"])
    expected = interpolate(avg_pool2d(images[:1], 2), (40, 50), mode="bilinear", align_corners=False)
    assert torch.allclose(painted[:1], expected, atol=1e-6)
    assert torch.allclose(painted[1], images[1], atol=1e-6)
    assert (painted[2] - images[2]).abs().mean() > 1e-3


def test_lesser_floats_are_resized_in_float32() -> None:
    images = photographs(1, (16, 16)).bfloat16()
    assert rescaled(images, [0.5], ["bicubic"], ["bicubic"]).dtype == torch.float32
