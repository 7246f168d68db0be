import numpy as np
import pytest
from scipy.ndimage import binary_dilation, distance_transform_cdt, generate_binary_structure, label

from ganvas.apply.masks import boxes, depth_px, grown, hidden, mask_of, mask_pixels, unseen
from ganvas.errors import DataError
from ganvas.image.metadata import Metadata
from ganvas.image.photo import Photo


def photo(pixels: np.ndarray) -> Photo:
    return Photo(pixels, "png", False, False, Metadata(None, None, None))


def read(pixels: np.ndarray) -> np.ndarray:
    return mask_of(photo(pixels), "m.png", (pixels.shape[0], pixels.shape[1]))


def test_half_white_is_to_be_filled() -> None:
    assert read(np.array([[[0], [127], [128], [255]]], np.uint8)).tolist() == [[False, False, True, True]]
    assert read(np.array([[[32767], [32768]]], np.uint16)).tolist() == [[False, True]]
    assert read(np.array([[[255, 255, 255], [255, 0, 0]]], np.uint8)).tolist() == [[True, False]]


def test_transparency_of_a_mask() -> None:
    white_on_nothing = np.zeros((2, 3, 4), np.uint8)
    white_on_nothing[0, 1] = 255
    assert np.argwhere(read(white_on_nothing)).tolist() == [[0, 1]]
    red_on_nothing = np.zeros((2, 3, 4), np.uint8)
    red_on_nothing[1, 2] = (255, 0, 0, 255)
    assert np.argwhere(read(red_on_nothing)).tolist() == [[1, 2]]
    opaque = np.zeros((2, 3, 2), np.uint8)
    opaque[..., 1] = 255
    opaque[0, 0, 0] = 255
    assert np.argwhere(read(opaque)).tolist() == [[0, 0]]
    mixed = opaque.copy()
    mixed[0, 1] = (255, 0)  # white, and not to be seen
    assert np.argwhere(read(mixed)).tolist() == [[0, 0]]


def test_nothing_marked_is_no_error() -> None:
    assert not read(np.zeros((4, 4, 1), np.uint8)).any()
    assert not read(np.zeros((4, 4, 4), np.uint8)).any()


def test_masks_that_do_not_fit() -> None:
    with pytest.raises(DataError, match=r"'m.png' has 5x4 pixels and its picture 4x5; save it"):
        mask_of(photo(np.zeros((4, 5, 1), np.uint8)), "m.png", (5, 4))
    with pytest.raises(DataError, match="marks every pixel"):
        read(np.full((3, 3, 3), 255, np.uint8))


@pytest.mark.parametrize("grow_px", [0, 1, 2, 5])
def test_growth_is_a_dilation(grow_px: int) -> None:
    mask = np.zeros((19, 23), bool)
    mask[[0, 9, 18], [0, 11, 20]] = True
    wanted = mask
    for step in range(grow_px):
        wanted = binary_dilation(wanted, generate_binary_structure(2, 2 - step % 2))
    assert np.array_equal(grown(mask, grow_px), wanted)
    assert mask.sum() == 3  # the mask itself is left alone


def test_a_mask_as_a_picture_is_the_mask_again() -> None:
    mask = np.eye(5, dtype=bool)
    assert np.array_equal(read(mask_pixels(mask)), mask)


@pytest.mark.parametrize("radius_px", [0, 1, 3, 40])
@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (600, 25)])
def test_what_cannot_be_seen_is_further_than_the_radius(size: tuple[int, int], radius_px: int) -> None:
    generator = np.random.default_rng(radius_px)
    for share in (0.0, 0.02, 0.3):
        mask = generator.random(size) >= share
        mask[0, 0] = False
        kept = mask.copy()
        far = distance_transform_cdt(mask, "chessboard") > radius_px
        assert np.array_equal(unseen(mask, radius_px), far)
        assert np.array_equal(mask, kept)


def test_nothing_of_a_mask_that_marks_nothing_is_unseen() -> None:
    assert not unseen(np.zeros((4, 5), bool), 0).any()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_is_fully_transparent_is_hidden_too(channels: int) -> None:
    mask, pixels = np.zeros((2, 3), bool), np.full((2, 3, channels), 9, np.uint8)
    mask[0, 1] = True
    pixels[1, 2] = 0
    pixels[1, 1, -1] = 1  # seen, if hardly
    expected = mask.copy()
    expected[1, 2] = channels in (2, 4)
    assert np.array_equal(hidden(mask, pixels), expected)


@pytest.mark.parametrize("seed", range(5))
def test_boxes_hold_all_that_is_marked_and_what_is_near_is_in_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    mask = np.zeros((200, 331), bool)
    for row, column in draw.integers(0, (190, 320), (6, 2)):
        mask[row : row + 9, column : column + 7] = True
    found, held = boxes(mask, 16), np.zeros_like(mask)
    for box in found:
        held[box] = True
        assert all(edge.any() for edge in (mask[box][0], mask[box][-1], mask[box][:, 0], mask[box][:, -1]))
    assert held[mask].all()
    count = label(binary_dilation(mask, np.ones((17, 17))))[1]
    assert 1 <= len(found) <= count
    assert found == boxes(mask.copy(), 16)


def test_boxes_of_what_lies_apart() -> None:
    mask = np.zeros((100, 100), bool)
    assert boxes(mask, 8) == []
    mask[3:5, 7:9] = mask[3, 40] = mask[99, 99] = True
    assert boxes(mask, 8) == [
        (slice(3, 5), slice(7, 9)),
        (slice(3, 4), slice(40, 41)),
        (slice(99, 100), slice(99, 100)),
    ]
    assert boxes(mask, 64) == [(slice(3, 100), slice(7, 100))]


@pytest.mark.parametrize("seed", range(4))
def test_depth_is_the_taxicab_distance(seed: int) -> None:
    hole = np.random.default_rng(seed).random((23, 31)) < 0.93
    expected = distance_transform_cdt(hole, metric="taxicab")
    assert np.array_equal(depth_px(hole), expected)
