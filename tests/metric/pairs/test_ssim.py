from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.pairs.ssim import LEAST_MS_SSIM_PX, LEAST_SSIM_PX, ms_ssim, ssim
from ganvas.tensors import Levels
from tests.metric.pairs.test_psnr import drawing, noisy

Plane = NDArray[np.float64]
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
LARGE = ("5-large-q90.jpg", "7-same-q75.jpg", "8-larger-q75.jpg")


def terms(a: Plane, b: Plane) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure of one channel, window by window as in Wang et al. 2004, eq. 6 to 13."""
    axis = np.arange(-5, 6)
    weights = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 1.5**2))
    weights /= weights.sum()
    x, y = sliding_window_view(a, (11, 11)), sliding_window_view(b, (11, 11))

    def mean(windows: Plane) -> Plane:
        found: Plane = np.einsum("hwij,ij->hw", windows, weights)
        return found

    mean_x, mean_y = mean(x), mean(y)
    off_x, off_y = x - mean_x[..., None, None], y - mean_y[..., None, None]
    structure = (2 * mean(off_x * off_y) + (0.03 * 255) ** 2) / (mean(off_x**2) + mean(off_y**2) + (0.03 * 255) ** 2)
    luminance = (2 * mean_x * mean_y + (0.01 * 255) ** 2) / (mean_x**2 + mean_y**2 + (0.01 * 255) ** 2)
    return float((luminance * structure).mean()), float(structure.mean())


def halved(plane: Plane) -> Plane:
    """The mean of each pixel with those to its right and below, mirrored at the end; then every other one."""
    wider = np.pad(plane, ((0, 1), (0, 1)), mode="symmetric")
    return ((wider[1:, 1:] + wider[:-1, 1:] + wider[1:, :-1] + wider[:-1, :-1]) / 4)[::2, ::2]


def planes(a: Levels, b: Levels) -> list[tuple[Plane, Plane]]:
    return [(a[0, ..., channel].astype(float), b[0, ..., channel].astype(float)) for channel in range(a.shape[3])]


def five_scales(a: Plane, b: Plane) -> float:
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        whole, structure = terms(a, b)
        product *= max(whole if scale == 4 else structure, 0) ** weight
        a, b = halved(a), halved(b)
    return product


def cut(picture: Levels, height: int, width: int) -> Levels:
    return picture[:, :height, :width]


@pytest.mark.parametrize("size", [(11, 11), (12, 30), (37, 53)])
@pytest.mark.parametrize("name", ["5-large-q90.jpg", "6-grey.png"])
def test_ssim_equals_its_definition(size: tuple[int, int], name: str) -> None:
    picture = cut(drawing(name)[:, 8:, 8:], *size)
    for spread in (3, 30):
        other = noisy(picture, spread)
        expected = np.mean([terms(*pair)[0] for pair in planes(picture, other)])
        assert float(ssim(picture, other)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [(161, 161), (176, 192), (197, 230)])
def test_ms_ssim_equals_its_definition(size: tuple[int, int]) -> None:
    picture = cut(drawing()[:, 50:], *size)
    other = noisy(picture, 20)
    expected = np.mean([five_scales(*pair) for pair in planes(picture, other)])
    assert float(ms_ssim(picture, other)) == pytest.approx(expected, abs=1e-12)


def test_ssim_equals_a_gaussian_filter_without_its_border() -> None:
    picture, other = drawing(), noisy(drawing(), 15)
    found = []
    for a, b in planes(picture, other):
        blur = [gaussian_filter(each, 1.5, truncate=3.5)[5:-5, 5:-5] for each in (a, b, a * a, b * b, a * b)]
        cov, spread = blur[4] - blur[0] * blur[1], blur[2] - blur[0] ** 2 + blur[3] - blur[1] ** 2
        above = (2 * blur[0] * blur[1] + 6.5025) * (2 * cov + 58.5225)
        found.append((above / ((blur[0] ** 2 + blur[1] ** 2 + 6.5025) * (spread + 58.5225))).mean())
    assert float(ssim(picture, other)) == pytest.approx(np.mean(found), abs=1e-12)


@pytest.mark.parametrize("name", LARGE)
def test_ssim_equals_scikit_image(name: str) -> None:
    scikit = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    picture, other = drawing(name), noisy(drawing(name), 20)
    expected = scikit.structural_similarity(
        picture[0],
        other[0],
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
    )
    assert float(ssim(picture, other)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", LARGE)
def test_both_equal_pytorch_msssim(name: str) -> None:
    oracle = pytest.importorskip("pytorch_msssim", reason="pytorch-msssim is not installed")
    picture = cut(drawing(name), 288, 272)  # even at each scale: it puts zeros around odd sizes
    other = noisy(picture, 20)
    images = [torch.from_numpy(each).permute(0, 3, 1, 2).double() for each in (picture, other)]
    place = torch.arange(11, dtype=torch.float64) - 5  # its own window is rounded to float32, worth 1e-5
    window = torch.softmax(-(place**2) / 4.5, 0).expand(3, 1, 1, 11)
    for mine, theirs in ((ssim, oracle.ssim), (ms_ssim, oracle.ms_ssim)):
        assert float(mine(picture, other)) == pytest.approx(float(theirs(*images, 255, win=window)), abs=1e-12)
        assert float(mine(picture, other)) == pytest.approx(float(theirs(*images, 255)), abs=2e-5)


def test_torchmetrics_is_near_but_counts_a_mirrored_border() -> None:
    oracle = pytest.importorskip("torchmetrics.functional.image", reason="torchmetrics is not installed")
    picture, other = drawing(), noisy(drawing(), 20)
    images = [torch.from_numpy(each).permute(0, 3, 1, 2).double() for each in (other, picture)]
    theirs = float(oracle.structural_similarity_index_measure(*images, data_range=255.0))
    assert float(ssim(picture, other)) == pytest.approx(theirs, abs=0.02)


@pytest.mark.parametrize("measure", [ssim, ms_ssim])
@pytest.mark.parametrize("channel", ["rgb", "y"])
def test_equal_is_one_order_is_free_and_noise_counts(measure: Callable[..., Tensor], channel: str) -> None:
    picture = drawing()
    series = [measure(picture, noisy(picture, spread), channel=channel) for spread in (0, 2, 6, 18, 54)]
    assert float(series[0]) == pytest.approx(1, abs=1e-15)
    assert (torch.cat(series).diff() < -1e-3).all()
    assert torch.equal(measure(noisy(picture, 18), picture, channel=channel), series[3])


@pytest.mark.parametrize("measure", [ssim, ms_ssim])
def test_batches_are_compared_pair_by_pair(measure: Callable[..., Tensor]) -> None:
    picture = drawing()
    batch = np.concatenate([noisy(picture, spread) for spread in (5, 50)])
    found = measure(np.concatenate([picture, picture]), batch)
    assert found.dtype == torch.float64
    assert torch.equal(found, torch.cat([measure(picture, batch[:1]), measure(picture, batch[1:])]))


def test_border_and_luma_are_those_of_psnr() -> None:
    picture = drawing()
    framed = picture.copy()
    framed[:, :4] ^= 255
    assert ssim(picture, framed) < 0.99
    assert float(ssim(picture, framed, border_px=4)) == pytest.approx(1, abs=1e-15)
    other = noisy(picture, 20)
    luma = [each.astype(float) @ (65.481, 128.553, 24.966) / 255 + 16 for each in (picture[0], other[0])]
    assert float(ssim(picture, other, channel="y")) == pytest.approx(terms(*luma)[0], abs=1e-12)


def test_the_negative_of_noise_is_unlike_it_and_has_no_power() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 176, 176, 1), dtype=np.uint8)
    assert -1 <= ssim(noise, 255 - noise) < -0.8
    assert ms_ssim(noise, 255 - noise) == 0


def test_flat_pictures_differ_by_luminance_alone() -> None:
    dark, light = np.full((1, 20, 20, 3), 50, np.uint8), np.full((1, 20, 20, 3), 100, np.uint8)
    expected = (2 * 50 * 100 + 2.55**2) / (50**2 + 100**2 + 2.55**2)
    assert float(ssim(dark, light)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("border_px", "size"), [(0, (10, 40)), (0, (40, 10)), (3, (40, 16))])
def test_pictures_below_the_window_are_refused(border_px: int, size: tuple[int, int]) -> None:
    picture = np.zeros((1, *size, 3), np.uint8)
    with pytest.raises(UsageError, match=r"SSIM cannot be taken of \d+ x \d+ px; give pictures of at least 11 px"):
        ssim(picture, picture, border_px=border_px)


def test_five_scales_need_161_px() -> None:
    assert (LEAST_SSIM_PX, LEAST_MS_SSIM_PX) == (11, 161)
    picture = np.zeros((1, 160, 300, 1), np.uint8)
    with pytest.raises(UsageError, match=r"MS-SSIM cannot be taken of 300 x 160 px; give pictures of at least 161 px"):
        ms_ssim(picture, picture)
    assert ms_ssim(np.zeros((1, 161, 161, 1)), np.zeros((1, 161, 161, 1))) == 1


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        ssim(np.zeros((1, 20, 20, 3)), np.full((1, 20, 20, 3), np.nan))
