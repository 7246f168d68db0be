from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.image.provenance import SourceType, read_mark
from ganvas.training.sheet import write_sheet


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_pictures_lie_in_rows_of_eight_in_reading_order(tmp_path: Path, channels: int, mode: str) -> None:
    levels = torch.arange(10.0).view(10, 1, 1, 1).expand(10, channels, 4, 6) / 127.5 - 1
    write_sheet(tmp_path / "a.png", levels)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == mode
        pixels = np.asarray(image).reshape(image.height, image.width, channels)
    corners = [pixels[row * 6, column * 8, 0] for row in range(2) for column in range(8)]
    assert corners[:10] == list(range(10))
    assert pixels.shape[:2] == (4 + 2 + 4, 8 * 6 + 7 * 2)


def test_only_what_a_network_painted_is_marked(tmp_path: Path) -> None:
    pictures = torch.zeros(2, 3, 4, 4)
    write_sheet(tmp_path / "fake.png", pictures)
    write_sheet(tmp_path / "real.png", pictures, mark=False)
    mark = read_mark((tmp_path / "fake.png").read_bytes(), "fake.png")
    assert mark is not None
    assert mark.source_type is SourceType.GENERATED
    assert read_mark((tmp_path / "real.png").read_bytes(), "real.png") is None
