from dataclasses import replace

import numpy as np
import pytest

from ganvas.apply.assemble import assemble
from ganvas.apply.deep import DEEP_PX, enlarged, halved, with_middle
from ganvas.apply.paint import Tally, painted
from tests.apply.filters import CPU, IDENTITY
from tests.task.scenes import scene

SIDE = 2 * DEEP_PX + 60


def disc(size: tuple[int, int], row: int, column: int, radius: int) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return np.asarray((y - row) ** 2 + (x - column) ** 2 <= radius**2)


def never(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    raise AssertionError("nothing is deep here")


def in_green(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], np.array([0, 200, 0], pixels.dtype), pixels)


def in_colour(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], np.array([0, 200, 0, 255], pixels.dtype), pixels)


def test_what_is_deep_has_nothing_known_in_the_square_around_it() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[10:-10, 10:-10] = True
    inner = np.zeros_like(mask)
    inner[10 + DEEP_PX : -10 - DEEP_PX, 10 + DEEP_PX : -10 - DEEP_PX] = True
    _, left = with_middle(scene(0, SIDE, SIDE), mask, in_green, around_px=40)
    assert np.array_equal(mask & ~left, inner)


def test_a_hole_that_is_not_deep_stays_as_it_is() -> None:
    pixels, mask = scene(0, SIDE, SIDE), np.zeros((SIDE, SIDE), bool)
    mask[5 : 4 + 2 * DEEP_PX] = True
    assert with_middle(pixels, mask, never, around_px=9) == (pixels, mask)


def test_the_middle_comes_from_a_repaired_copy_and_the_rest_of_the_hole_is_left() -> None:
    pixels, mask = scene(0, 301, 277), disc((301, 277), 160, 120, 90)
    filled, left = with_middle(pixels, mask, in_green, around_px=40)
    core = mask & ~left
    assert np.array_equal(filled[~core], pixels[~core])
    assert (filled[core] == [0, 200, 0]).all()
    assert core.sum() > 1000


def test_the_copy_shows_what_is_around_and_nothing_of_the_hole() -> None:
    seen = []

    def watched(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
        seen.append((pixels, mask))
        return pixels

    pixels, mask = scene(0, 400, 500), disc((400, 500), 200, 251, 90)
    hidden = np.where(mask[..., None], np.uint8(255), pixels)
    _, left = with_middle(pixels, mask, watched, around_px=60)
    with_middle(hidden, mask, watched, around_px=60)
    (small, missing), (other, _) = seen
    assert np.array_equal(small, other)
    rows, columns = (np.flatnonzero((mask & ~left).any(axis)) for axis in (1, 0))
    for side, found in zip(small.shape, (rows, columns), strict=False):
        assert 0 <= side - (np.ptp(found) + 1 + 2 * 120) // 2 <= 1
    assert missing.any()
    assert not missing[0].any()


@pytest.mark.parametrize("known_px", [0, 1])
def test_a_hole_with_hardly_anything_around_it_comes_to_an_end(known_px: int) -> None:
    """All is transparent around the hole but for a corner, or all of it; and the network sees nothing but pixels."""
    pixels, mask = np.zeros((400, 400, 4), np.uint8), np.zeros((400, 400), bool)
    mask[100:300, 100:300] = True
    pixels[:known_px, :known_px] = 255
    sizes = []

    def again(small: np.ndarray, missing: np.ndarray) -> np.ndarray:
        sizes.append(len(small))
        filled, left = with_middle(small, missing, again, around_px=0)
        return in_colour(filled, left)

    with_middle(pixels, mask, again, around_px=0)
    assert sizes == ([200, 100, 50, 25] if known_px else [])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_halves_are_means_of_what_is_known(channels: int, dtype: type[np.uint8 | np.uint16]) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (131, 44, channels), dtype)
    missing = np.random.default_rng(1).random((131, 44)) < 0.6
    small, gone = halved(pixels, missing)
    assert (small.shape, gone.shape) == ((66, 22, channels), (66, 22))
    assert small.dtype == dtype
    colours = channels - (channels in (2, 4))
    for row, column in ((0, 0), (17, 5), (40, 21), (65, 9)):
        block = pixels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(-1, channels).astype(float)
        known = ~missing[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(-1)
        assert gone[row, column] == (not known.any())
        if known.any():
            assert np.abs(small[row, column, :colours] - block[known].mean(0)[:colours]).max() <= 1
        assert np.abs(small[row, column, colours:] - block.mean(0)[colours:]).max(initial=0) <= 1


@pytest.mark.parametrize("size", [(60, 44), (59, 43)])
def test_what_is_enlarged_lies_where_it_was(size: tuple[int, int]) -> None:
    y, x = np.mgrid[: size[0], : size[1]]
    shade = np.stack([2 * y + 20, 3 * x + 20, x + y + 20], 2).astype(np.uint8)
    whole = enlarged(halved(shade, np.zeros(size, bool))[0], size)
    assert whole.shape == shade.shape
    assert np.abs(whole[2:-2, 2:-2].astype(int) - shade[2:-2, 2:-2]).max() <= 1


def test_a_plain_ground_stays_plain_in_a_hole_deeper_than_the_network_sees() -> None:
    pixels, mask = np.full((420, 380, 2), 20_000, np.uint16), np.zeros((420, 380), bool)
    mask[10:-10, 10:-10] = True
    colours, tally = replace(IDENTITY, fn=lambda given: given[:, :3]), Tally(64)
    rows = painted(pixels, assemble(colours, alpha=True), tally, device=CPU, mask=mask, inputs=("mask",))
    out = np.concatenate([row.pixels for row in rows])
    assert np.abs(out[..., 0].astype(int) - 20_000).max() <= 2
    assert tally.deep_px == (400 - 2 * DEEP_PX) * (360 - 2 * DEEP_PX)
