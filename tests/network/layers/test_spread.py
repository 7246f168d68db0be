from itertools import product

import numpy as np
import torch
from scipy import ndimage

from ganvas.network.layers.detail import COARSEST_PX, detail_of
from ganvas.network.layers.fill import smooth_fill
from ganvas.network.layers.spread import DEEP, SIGNS, STRIDES_PX, spread_detail
from ganvas.tensors import Images
from tests.task.scenes import scene

REACH_PX = sum(STRIDES_PX)
PICTURE = torch.from_numpy(scene(0, 96, 80)).permute(2, 0, 1)[None].double() / 127.5 - 1


def hole(top: int, bottom: int, left: int = 0, right: int = 80) -> torch.Tensor:
    mask = torch.zeros(1, 1, 96, 80, dtype=torch.float64)
    mask[..., top:bottom, left:right] = 1
    return mask


def spread_over(filled: Images, mask: torch.Tensor) -> torch.Tensor:
    return spread_detail(detail_of(filled, mask), mask)


def texture(side: int) -> torch.Tensor:
    """Blurred noise in colours that go together: rust and moss."""
    noise = torch.randn(1, 2, side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    colours = torch.tensor([[0.2, 0.1, 0.05], [0.0, 0.1, -0.05]], dtype=torch.float64)
    picture = torch.einsum("nchw,cd->ndhw", noise, colours)
    return torch.from_numpy(ndimage.gaussian_filter(picture.numpy(), (0, 0, 0.8, 0.8), mode="wrap"))


def test_it_is_one_sparse_kernel_over_the_detail_of_what_is_known() -> None:
    mask = hole(30, 55, 28, 52)  # so far from the border that no step leaves the picture
    filled = smooth_fill(PICTURE, mask)
    kernel, count = np.zeros((2, 2 * REACH_PX + 1, 2 * REACH_PX + 1))
    for steps in product(range(9), repeat=3):
        rows, columns = (np.array([divmod(step, 3)[axis] - 1 for step in steps]) for axis in (0, 1))
        at = REACH_PX + int(rows @ STRIDES_PX), REACH_PX + int(columns @ STRIDES_PX)
        kernel[at] += np.prod([SIGNS[step] for step in steps])
        count[at] += 1
    known = 1 - mask[0, 0].numpy()

    def summed(plane: np.ndarray, kernel: np.ndarray = count) -> np.ndarray:
        return np.asarray(ndimage.correlate(plane, kernel, mode="constant"))

    found = detail_of(filled, mask)
    detail, missing = found.planes[0].numpy(), found.missing[0, 0].numpy()
    evenness = np.pi / 2 * summed(np.abs(detail).mean(0)) ** 2 / (summed(known) * summed((detail**2).mean(0)))
    depth = np.interp(missing, DEEP, (0, 1))
    part = np.minimum(evenness, 1) ** 2 / np.sqrt(summed(known) + 1) * depth * (1 - known)
    wanted = np.stack([summed(plane, kernel) for plane in detail]) * part
    np.testing.assert_allclose(spread_over(filled, mask)[0].numpy(), wanted, atol=1e-9)


def test_a_texture_goes_on_with_its_grain_and_its_colours() -> None:
    picture, mask, columns = texture(400), torch.zeros(1, 1, 400, 400, dtype=torch.float64), torch.arange(400) % 40
    mask[..., (columns >= 14) & (columns < 26)] = 1
    spread = spread_over(smooth_fill(picture, mask), mask)[0]
    mean = torch.from_numpy(ndimage.gaussian_filter(picture.numpy(), (0, 0, COARSEST_PX, COARSEST_PX)))
    detail, inside = (picture - mean)[0], ((columns >= 18) & (columns < 22)).expand(400, -1)
    wanted, found = torch.cov(detail.flatten(1)), torch.cov(spread[:, inside])
    part = found.trace() / wanted.trace()
    assert 0.5 < part < 1
    assert (found - part * wanted).abs().max() < 0.05 * found.abs().max()
    for lag in range(1, 9):  # along the holes; a screen of dots would return after some of them
        here, there = (
            torch.corrcoef(torch.stack([plane[:-lag][inside[:-lag]], plane[lag:][inside[:-lag]]]))[0, 1]
            for plane in (detail[0], spread[0])
        )
        assert abs(here - there) < 0.25, lag


def test_an_edge_is_no_texture() -> None:
    """Of the same energy, detail that is everywhere goes on, and detail in few places does not."""
    mask = torch.zeros(1, 1, 200, 200, dtype=torch.float64)
    mask[..., 90:110] = 1
    edge = torch.zeros(1, 3, 200, 200, dtype=torch.float64)
    edge[..., 100:, :] = 1.0
    even = texture(200)
    even *= edge.std() / even.std()
    deviations = [float(spread_over(picture, mask)[..., 90:110, 97:103].std()) for picture in (edge, even)]
    assert deviations[0] < 0.1 * deviations[1]


def test_thin_strokes_get_none() -> None:
    picture, mask = texture(200), torch.zeros(1, 1, 200, 200, dtype=torch.float64)
    mask[..., 50:53] = mask[..., 100:120] = 1
    spread = spread_over(smooth_fill(picture, mask), mask)
    assert not spread[..., 50:53].any()
    assert spread[..., 100].std() < 0.5 * spread[..., 108:112].std()


def test_nothing_is_added_where_nothing_is_missing_or_nothing_is_known() -> None:
    mask = hole(30, 55, 20, 60)
    spread = spread_over(smooth_fill(PICTURE, mask), mask)
    assert not (spread * (1 - mask)).any()
    assert spread[..., 30:55, 20:60].std() > 0.01
    everything = torch.ones_like(mask)
    assert not spread_over(smooth_fill(PICTURE, everything), everything).any()


def test_a_plain_colour_stays_plain_up_to_the_border() -> None:
    plain = torch.full((2, 3, 48, 48), 0.4, dtype=torch.float64)
    mask = torch.zeros(2, 1, 48, 48, dtype=torch.float64)
    mask[..., :7] = 1
    assert spread_over(plain, mask).abs().max() < 1e-12


def test_a_picture_moved_by_a_pixel_gets_the_same_texture_moved() -> None:
    picture, mask = texture(200), torch.zeros(1, 1, 200, 200, dtype=torch.float64)
    mask[..., 95:105, 90:110] = 1
    first = spread_over(smooth_fill(picture, mask), mask)
    picture, mask = (plane.roll((1, 1), (2, 3)) for plane in (picture, mask))
    second = spread_over(smooth_fill(picture, mask), mask)
    torch.testing.assert_close(second, first.roll((1, 1), (2, 3)), rtol=0, atol=1e-12)


def test_under_autocast_it_is_float32() -> None:
    mask = hole(40, 43)
    filled = smooth_fill(PICTURE, mask)
    with torch.autocast("cpu", torch.bfloat16):
        spread = spread_over(filled.float(), mask.float())
    assert spread.dtype == torch.float32
    torch.testing.assert_close(spread.double(), spread_over(filled, mask), rtol=0, atol=1e-5)
