import numpy as np
import pytest
import torch
from scipy import ndimage

from ganvas.network.layers.detail import COARSEST_PX, FLAT, WIDTHS_CELLS, detail_of, liveliness
from ganvas.network.layers.fill import TRUST, smooth_fill
from tests.task.scenes import scene

CELL_PX = 8
PICTURE = torch.from_numpy(scene(0, 160, 128)).permute(2, 0, 1)[None].double() / 127.5 - 1


def box(top: int, bottom: int, left: int, right: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, 160, 128, dtype=torch.float64)
    mask[..., top:bottom, left:right] = 1
    return mask


def lively(picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return liveliness(detail_of(smooth_fill(picture * (1 - mask), mask), mask), mask, CELL_PX)


def test_detail_is_what_is_known_beside_its_gaussian_mean() -> None:
    mask = box(40, 66, 20, 60)
    filled = smooth_fill(PICTURE, mask)
    detail = detail_of(filled, mask)

    def mean(plane: np.ndarray) -> np.ndarray:
        radius = round(3 * COARSEST_PX)
        return np.asarray(ndimage.gaussian_filter(plane, COARSEST_PX, mode="constant", radius=radius))

    whole, missing = mean(np.ones((160, 128))), mask[0, 0].numpy()
    for plane, found in zip(filled[0].numpy(), detail.planes[0].numpy(), strict=True):
        np.testing.assert_allclose(found, (plane - mean(plane) / whole) * (1 - missing), atol=1e-12)
    np.testing.assert_allclose(detail.missing[0, 0].numpy(), mean(missing) / whole, atol=1e-12)


def test_the_energy_of_detail_is_that_of_what_is_known_nearest() -> None:
    mask = box(40, 96, 24, 104)
    detail = detail_of(smooth_fill(PICTURE, mask), mask)

    def cells(plane: np.ndarray) -> np.ndarray:
        return np.asarray(plane.reshape(160 // CELL_PX, CELL_PX, 128 // CELL_PX, CELL_PX).mean((1, 3)))

    def mean(plane: np.ndarray, width: float) -> np.ndarray:
        return np.asarray(ndimage.gaussian_filter(plane, width, mode="constant", radius=round(3 * width)))

    energy, known = cells((detail.planes[0] ** 2).mean(0).numpy()), cells(1 - mask[0, 0].numpy())
    wanted, left = np.zeros_like(energy), np.ones_like(energy)
    for width in WIDTHS_CELLS:
        share = mean(known, width)
        trust = left * np.minimum(share / TRUST, 1) ** 2
        wanted += trust * mean(energy, width) / np.maximum(share, 1e-6)
        left -= trust
    heard = liveliness(detail, mask, CELL_PX)[0, 0]
    energy_there = (FLAT**2 * heard / (1 - heard)).numpy()
    middles = cells(energy_there)  # straight lines between the middles of cells keep a plane's mean
    wide = ndimage.zoom(np.pad(wanted, 1, mode="edge"), CELL_PX, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(energy_there, wide[CELL_PX:-CELL_PX, CELL_PX:-CELL_PX], rtol=1e-6, atol=1e-12)
    assert middles.std() > 0


@pytest.mark.parametrize(("a_pixel", "most"), [(0.0, 1e-4), (0.5, 0.04)])
def test_hardly_anything_goes_on_in_plain_colours_and_soft_shades(a_pixel: float, most: float) -> None:
    shade = torch.arange(160, dtype=torch.float64).view(1, 1, 160, 1) * a_pixel / 127.5 - 0.3
    assert lively(shade.expand(1, 3, 160, 128), box(60, 100, 40, 90)).max() < most


def test_two_levels_of_noise_are_heard_half_and_ten_nearly_whole() -> None:
    noise = torch.randn(1, 3, 160, 128, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mask = box(70, 90, 50, 70)
    quiet, loud = (float(lively(noise * deviation / 127.5, mask)[..., 70:90, 50:70].mean()) for deviation in (2, 10))
    assert quiet == pytest.approx(0.5, abs=0.03)
    assert loud > 0.95


def test_far_from_all_that_is_known_nothing_is_heard() -> None:
    mask = torch.ones(1, 1, 320, 64, dtype=torch.float64)
    mask[..., :16, :] = 0
    noise = torch.rand(1, 3, 320, 64, dtype=torch.float64)
    heard = lively(noise, mask)
    assert heard[..., :48, :].min() > 0.9
    assert not heard[..., 16 + 14 * CELL_PX :, :].any()


def test_under_autocast_it_is_float32() -> None:
    mask = box(40, 66, 20, 60)
    with torch.autocast("cpu", torch.bfloat16):
        heard = lively(PICTURE.float(), mask.float())
    assert heard.dtype == torch.float32
    torch.testing.assert_close(heard.double(), lively(PICTURE, mask), rtol=0, atol=1e-4)
