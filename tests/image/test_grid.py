import numpy as np
import pytest

from ganvas.image.grid import grid
from tests.image.handmade import noise


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("gap_px", [0, 2, 5])
def test_every_cell_lies_in_its_place(channels: int, gap_px: int) -> None:
    images = noise(7, 4, 6, channels)
    sheet = grid(images, columns=3, gap_px=gap_px)
    assert sheet.shape == (3 * 4 + 2 * gap_px, 3 * 6 + 2 * gap_px, channels)
    seen = np.zeros(sheet.shape[:2], bool)
    for index, image in enumerate(images):
        rows = slice((index // 3) * (4 + gap_px), (index // 3) * (4 + gap_px) + 4)
        columns = slice((index % 3) * (6 + gap_px), (index % 3) * (6 + gap_px) + 6)
        np.testing.assert_array_equal(sheet[rows, columns], image)
        seen[rows, columns] = True
    assert (sheet[~seen] == 255).all()


def test_fewer_pictures_than_columns_leave_cells_empty() -> None:
    sheet = grid(np.zeros((1, 2, 2, 3), np.uint8), columns=3, gap_px=0)
    assert sheet.shape == (2, 6, 3)
    assert (sheet[:, 2:] == 255).all()
