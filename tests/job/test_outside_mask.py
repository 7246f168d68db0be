from pathlib import Path

import numpy as np
import pytest

from ganvas.errors import FileError
from ganvas.image.metadata import Metadata
from ganvas.image.write_photo import PhotoFormat
from ganvas.job.outside_mask import outside_change, verified_outside
from ganvas.job.photo_format import Target
from tests.photo_models import noise, read_picture, write_picture


def test_a_writer_that_changes_a_pixel_is_found(tmp_path: Path) -> None:
    pixels, mask = noise(600, 9), np.zeros((600, 9), bool)
    mask[0, 0] = True
    photo = read_picture(write_picture(tmp_path / "a.png", pixels))
    for row in (0, 599):
        changed = pixels.copy()
        changed[row, 3, 1] ^= 4
        found = outside_change(photo, mask, write_picture(tmp_path / "b.png", changed))
        assert (found.max_levels, found.mean_levels) == (4, 4 / (pixels.size - 3))
    changed = pixels.copy()
    changed[0, 0] ^= 4
    assert outside_change(photo, mask, write_picture(tmp_path / "b.png", changed)).max_levels == 0
    with pytest.raises(FileError, match="came back with another size"):
        outside_change(photo, mask, write_picture(tmp_path / "b.png", pixels[1:]))


@pytest.mark.parametrize(
    ("format", "quality", "raises"), [("png", None, True), ("tiff", None, True), ("jpeg", 95, False)]
)
def test_a_lossless_file_must_be_without_any(
    tmp_path: Path, format: PhotoFormat, quality: int | None, raises: bool
) -> None:
    pixels, mask = noise(9, 9), np.eye(9, dtype=bool)
    photo = read_picture(write_picture(tmp_path / "a.png", pixels))
    changed = pixels.copy()
    changed[0, 1, 2] ^= 1
    path = write_picture(tmp_path / "b.x", changed, format, quality=quality)
    target = Target(tmp_path / "final", format, quality, pixels.dtype, 3)
    if raises:
        with pytest.raises(FileError, match=r"final' came back with up to 1 levels of .* mask, and was not kept"):
            verified_outside(photo, mask, target, path)
    else:
        assert verified_outside(photo, mask, target, path).max_levels > 0
    sound = write_picture(tmp_path / "c.x", pixels, "png")
    assert verified_outside(photo, mask, target, sound).max_levels == 0
    sound.write_bytes(sound.read_bytes()[:100])
    with pytest.raises(
        FileError, match=r"final' could not be read back \([^:']+\), and was not kept; .* another --format"
    ):
        verified_outside(photo, mask, target, sound)


def test_a_file_with_a_long_profile_is_read_back(tmp_path: Path) -> None:
    pixels, mask = noise(9, 9), np.eye(9, dtype=bool)
    printer = Metadata(icc=noise(800, 700).tobytes(), exif=None, dpi=None)  # 1.6 MB
    photo = read_picture(write_picture(tmp_path / "a.jpg", pixels, "jpeg", printer))
    written = write_picture(tmp_path / "b.png", photo.pixels, metadata=photo.metadata)
    target = Target(tmp_path / "final", "png", None, pixels.dtype, 3)
    assert verified_outside(photo, mask, target, written).max_levels == 0
    assert read_picture(written).metadata == printer


def test_at_the_finer_depth(tmp_path: Path) -> None:
    pixels = noise(9, 9, 1, np.uint16)
    photo = read_picture(write_picture(tmp_path / "a.png", pixels))
    eight = np.rint(pixels / 257).astype(np.uint8)
    change = outside_change(photo, np.zeros((9, 9), bool), write_picture(tmp_path / "b.webp", eight, "webp"))
    off = np.abs(pixels.astype(int) - 257 * eight.astype(int)) / 257
    assert change.max_levels == pytest.approx(off.max())
    assert 0.4 < change.max_levels <= 0.5
    assert change.mean_levels == pytest.approx(off.mean())
