from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganvas.errors import UsageError
from ganvas.image.provenance import SourceType
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.restore import RestoreRequest, restore
from tests.job.conftest import Models
from tests.photo_models import noise, read_picture, write_model, write_picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_network_that_changes_nothing_changes_no_bit(
    tmp_path: Path, models: Models, channels: int, dtype: type[np.uint8]
) -> None:
    pixels = noise(19, 23, channels, dtype)
    source = write_picture(tmp_path / "in.png", pixels)
    options = PhotoOptions(model=models.restore, device="cpu", tile="8")
    (receipt,) = restore(RestoreRequest(source, tmp_path / "out.png", options=options)).receipts
    assert np.array_equal(read_picture(tmp_path / "out.png").pixels, pixels)
    assert receipt.source_type == SourceType.ENHANCED
    assert receipt.options["strength"] == 1


def test_the_lock_is_off_where_fading_is_the_damage(tmp_path: Path) -> None:
    brighter = write_model(tmp_path / "brighter.safetensors", "restore", bias=0.2)
    source = write_picture(tmp_path / "in.png", np.full((12, 12, 3), 100, np.uint8))
    request = RestoreRequest(source, tmp_path / "out.png", options=PhotoOptions(model=brighter, device="cpu"))
    restore(request)
    assert (read_picture(tmp_path / "out.png").pixels == 100).all()
    (receipt,) = restore(replace(request, colour_lock=False)).receipts
    assert (np.abs(read_picture(tmp_path / "out.png").pixels.astype(int) - 126) <= 1).all()
    assert receipt.colour_residual_levels is None


def test_no_strength_no_change(tmp_path: Path) -> None:
    brighter = write_model(tmp_path / "brighter.safetensors", "restore", bias=0.2, faithful=0.1)
    pixels = noise(12, 12)
    source = write_picture(tmp_path / "in.png", pixels)
    options = PhotoOptions(model=brighter, device="cpu")
    request = RestoreRequest(source, tmp_path / "out.png", strength=0.0, colour_lock=False, map=True, options=options)
    (receipt,) = restore(request).receipts
    assert np.array_equal(read_picture(tmp_path / "out.png").pixels, pixels)
    assert "A strength of 0" in receipt.notes[0]
    assert receipt.source_type is None
    with pytest.raises(UsageError, match=r"--strength is 1\.5"):
        restore(replace(request, strength=1.5))
