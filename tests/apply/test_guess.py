import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse import linalg

from ganvas.apply.guess import CELL_PX, guessed, guessed_of
from ganvas.apply.planes import colour_planes
from ganvas.apply.tiles import Span
from tests.task.scenes import scene

PICTURE = torch.from_numpy(scene(0, 200, 168)).permute(2, 0, 1)[None].double() / 127.5 - 1
COLOUR = torch.tensor([0.9, -0.7, 0.2], dtype=torch.float64).view(1, 3, 1, 1)


def box(height: int, width: int, top: int, bottom: int, left: int, right: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, height, width, dtype=torch.float64)
    mask[..., top:bottom, left:right] = 1
    return mask


def membrane(values: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Laplace's equation with nothing flowing over the border, solved at once."""
    height, width = given.shape
    number = np.arange(height * width).reshape(height, width)
    links = [(number[1:], number[:-1]), (number[:, 1:], number[:, :-1])]
    one, other = (np.concatenate([link[side].ravel() for link in links]) for side in (0, 1))
    near = sparse.coo_array((np.ones(len(one)), (one, other)), (number.size, number.size)).tocsr()
    near = near + near.T
    laplacian = (sparse.diags_array(near.sum(axis=1)) - near).tocsr()
    known = given.ravel()
    found = values.ravel().copy()
    right = -laplacian[~known][:, known] @ found[known]
    found[~known] = linalg.spsolve(laplacian[~known][:, ~known].tocsc(), right)
    return found.reshape(height, width)


def test_cells_without_a_known_pixel_solve_laplaces_equation() -> None:
    mask = box(200, 168, 40, 152, 24, 136)
    cells = guessed_of(scene(0, 200, 168), mask[0, 0].bool().numpy()).cells[0]
    known = 1 - mask
    share = torch.nn.functional.avg_pool2d(known, CELL_PX)
    means = torch.nn.functional.avg_pool2d(PICTURE * known, CELL_PX) / share.clamp(min=1e-9)
    given = share[0, 0].numpy() > 0
    assert 0.1 < (~given).mean() < 0.5
    for plane, mean in zip(cells.numpy(), means[0].numpy(), strict=True):
        np.testing.assert_allclose(plane[given], mean[given], atol=1e-6)
        wanted = membrane(mean, given)
        assert np.abs(plane - wanted).max() < 0.03 * (wanted.max() - wanted.min())


@pytest.mark.parametrize("side", [3, 40, 900])
def test_a_plain_colour_is_guessed_however_large_the_hole(side: int) -> None:
    mask = box(1000, 960, 20, 20 + side, 8, 8 + side)
    plain = COLOUR.expand(1, 3, 1000, 960)
    torch.testing.assert_close(guessed(torch.where(mask.bool(), 0.3, plain), mask), plain)


def test_a_soft_shade_goes_on() -> None:
    shade = torch.linspace(-0.8, 0.6, 256, dtype=torch.float64).view(1, 1, 256, 1).expand(1, 3, 256, 320)
    found = guessed(shade, box(256, 320, 60, 200, 90, 230))
    assert (found - shade).abs().max() < 0.02 * 1.4


def test_what_is_known_stays_and_what_is_missing_does_not_matter() -> None:
    mask = box(200, 168, 33, 95, 20, 131)
    found = guessed(PICTURE, mask)
    assert torch.equal(found * (1 - mask), PICTURE * (1 - mask))
    assert torch.equal(guessed(torch.where(mask.bool(), 0.77, PICTURE), mask), found)


def test_one_pixel_is_enough_and_none_is_grey() -> None:
    mask = box(64, 48, 0, 64, 0, 48)
    assert not guessed(PICTURE[..., :64, :48], mask).any()
    mask[..., 63, 0] = 0
    one = PICTURE[..., 63, 0].view(1, 3, 1, 1)
    torch.testing.assert_close(guessed(PICTURE[..., :64, :48], mask), one.expand(1, 3, 64, 48))


def test_pictures_of_a_batch_are_guessed_apart() -> None:
    masks = torch.cat([box(200, 168, 30, 90, 30, 130), box(200, 168, 100, 104, 0, 168)])
    both = guessed(PICTURE.expand(2, 3, 200, 168), masks)
    for one, mask in zip(both, masks, strict=True):
        torch.testing.assert_close(one[None], guessed(PICTURE, mask[None]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_window_of_a_photograph_is_a_part_of_its_guess(dtype: type[np.uint8 | np.uint16]) -> None:
    pixels = (scene(1, 301, 205) * np.uint32(np.iinfo(dtype).max // 255)).astype(dtype)  # sides that no cell divides
    mask = np.zeros((301, 205), bool)
    mask[100:260, 60:190] = True
    whole = guessed(colour_planes(pixels), torch.from_numpy(mask)[None, None].float())
    guess = guessed_of(pixels, mask)
    for top, bottom, left, right in ((0, 301, 0, 205), (112, 224, 64, 184)):
        found = guess.window(Span(top, bottom, 0, 0), Span(left, right, 0, 0))
        wanted, part = whole[..., top:bottom, left:right], torch.from_numpy(mask[top:bottom, left:right])
        torch.testing.assert_close(found[:, :, part], wanted[:, :, part], rtol=0, atol=1e-6)


def test_beyond_the_edge_the_last_pixels_are_repeated() -> None:
    mask = np.ones((21, 13), bool)
    mask[:10] = False
    found = guessed_of(scene(2, 21, 13), mask).window(Span(0, 24, 0, 24), Span(0, 16, 0, 16))
    assert torch.equal(found[..., 21:, :], found[..., 20:21, :].expand(-1, -1, 3, -1))
    assert torch.equal(found[..., 13:], found[..., 12:13].expand(-1, -1, -1, 3))


def test_colours_that_nobody_sees_are_not_asked() -> None:
    pixels = np.full((64, 64, 4), 230, np.uint8)
    pixels[:, 40:] = 0  # transparent, and black below
    mask = np.zeros((64, 64), bool)
    mask[:, 24:40] = True
    found = guessed_of(pixels, mask).window(Span(0, 64, 0, 64), Span(0, 64, 0, 64))
    torch.testing.assert_close(found, torch.full_like(found, 230 / 127.5 - 1))
