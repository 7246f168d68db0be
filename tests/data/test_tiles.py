import numpy as np
import pytest

from ganvas.data.tiles import FLAT_KEPT, LARGE, most_tiles, steepness, tiles_of
from tests.data.pictures import noise


@pytest.mark.parametrize("size", [(8, 8), (8, 12)])
@pytest.mark.parametrize("picture", [(8, 12), (9, 13), (24, 24), (31, 47)])
def test_tiles_are_the_photographs_own_pixels_and_do_not_overlap(
    picture: tuple[int, int], size: tuple[int, int]
) -> None:
    """Every pixel of the tiles is found in the photograph, once."""
    numbers = np.arange(picture[0] * picture[1], dtype=np.uint32)
    whole = np.stack([numbers % 251, numbers // 251, noise(0, *picture, 1)[..., 0].ravel()], 1)
    tiles = tiles_of(whole.astype(np.uint8).reshape(*picture, 3), size)
    assert len(tiles) == (picture[0] // size[0]) * (picture[1] // size[1]) == most_tiles(picture, size)
    places = np.concatenate([tile.reshape(-1, 3) for tile in tiles]).astype(int)
    found = places[:, 0] + 251 * places[:, 1]
    assert len(np.unique(found)) == len(found) == len(tiles) * size[0] * size[1]
    if len(tiles):
        rows, columns = found // picture[1], found % picture[1]
        for at, side in ((rows, picture[0]), (columns, picture[1])):
            assert abs(at.min() - (side - 1 - at.max())) <= 1  # in the middle


def test_large_photographs_are_cut_at_half_their_size_as_well() -> None:
    side = LARGE * 8
    picture = np.repeat(np.repeat(noise(1, side // 2, side // 2, 3), 2, 0), 2, 1)
    tiles = tiles_of(picture, (8, 8))
    assert len(tiles) == LARGE**2 + (LARGE // 2) ** 2 == most_tiles((side, side), (8, 8))
    assert len(tiles_of(picture[:-1], (8, 8))) == (LARGE - 1) * LARGE == most_tiles((side - 1, side), (8, 8))
    halves = np.stack(tiles[LARGE**2 :]).astype(float)
    assert halves.std() > 30
    assert abs(halves.mean() - picture.mean()) < 3


def test_most_flat_tiles_are_left_out() -> None:
    picture = np.full((8, 8 * 40, 3), 90, np.uint8)
    picture[:, :80] = noise(2, 8, 80, 3)
    kept = tiles_of(picture, (8, 8))
    assert len(kept) == 10 + -(-30 // FLAT_KEPT)
    assert sum(steepness(tile) == 0 for tile in kept) == -(-30 // FLAT_KEPT)
    assert len(tiles_of(np.full((8, 8, 1), 7, np.uint8), (8, 8))) == 1  # a photograph of sky is not lost


def test_steepness_is_what_neighbours_differ_by() -> None:
    ramp = (np.arange(10)[:, None] * 3 + np.arange(8) * 5)[..., None].astype(np.uint8)
    assert steepness(ramp) == 8
