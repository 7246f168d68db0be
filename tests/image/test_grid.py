import numpy as np
import pytest

from ganvas.image.grid import columns_for, grid
from tests.image.handmade import noise


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("gap_px", [0, 2, 5])
def test_every_cell_lies_in_its_place(channels: int, gap_px: int) -> None:
    images = noise(7, 4, 6, channels)
    sheet = grid(images, columns=3, gap_px=gap_px, background=9)
    assert sheet.shape == (3 * 4 + 2 * gap_px, 3 * 6 + 2 * gap_px, channels)
    seen = np.zeros(sheet.shape[:2], bool)
    for index, image in enumerate(images):
        rows = slice((index // 3) * (4 + gap_px), (index // 3) * (4 + gap_px) + 4)
        columns = slice((index % 3) * (6 + gap_px), (index % 3) * (6 + gap_px) + 6)
        np.testing.assert_array_equal(sheet[rows, columns], image)
        seen[rows, columns] = True
    assert (sheet[~seen] == 9).all()


def test_fewer_pictures_than_columns_leave_cells_empty() -> None:
    sheet = grid(np.zeros((1, 2, 2, 3), np.uint8), columns=3, gap_px=0)
    assert sheet.shape == (2, 6, 3)
    assert (sheet[:, 2:] == 255).all()


@pytest.mark.parametrize(
    ("count", "columns"),
    [(1, 1), (2, 2), (3, 3), (4, 2), (9, 3), (10, 5), (12, 4), (16, 4), (64, 8), (100, 10)],
)
def test_square_pictures_make_an_even_sheet(count: int, columns: int) -> None:
    assert columns_for(count, 32, 32) == columns


def test_wide_pictures_get_fewer_columns_than_tall_ones() -> None:
    assert columns_for(60, 32, 128) < columns_for(60, 32, 32) < columns_for(60, 128, 32)


@pytest.mark.parametrize("count", [5, 7, 11, 23, 97])
def test_odd_counts_stay_compact(count: int) -> None:
    columns = columns_for(count, 10, 10)
    rows = -(-count // columns)
    assert rows * columns - count < columns
    assert 0.4 < columns / rows < 3.5
