from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.errors import UsageError
from ganvas.image.provenance import SourceType
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.restore import RestoreRequest, restore
from tests.image.handmade import chunk
from tests.image.test_xmp import DC, IPTC, PACKET, PHOTOSHOP, properties
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


def test_what_others_wrote_of_the_photograph_stays(tmp_path: Path, models: Models) -> None:
    source, out = tmp_path / "in.jpg", tmp_path / "out.png"
    Image.new("RGB", (9, 9)).save(source, xmp=PACKET)
    for keep in (False, True):
        options = PhotoOptions(model=models.restore, device="cpu", keep_metadata=keep)
        (receipt,) = restore(RestoreRequest(source, out, options=options)).receipts
        assert receipt.metadata["xmp"] == "kept"
        assert receipt.notes == ()
        with Image.open(out) as image:
            said = properties(image.info["xmp"])
        assert said[DC, "description"] == "Oma & ich <1931> ü"
        assert said[IPTC, "DigitalSourceType"].endswith(SourceType.ENHANCED)
        assert ((PHOTOSHOP, "City") in said) == keep
    Image.new("RGB", (9, 9)).save(source, xmp=PACKET[:900])
    (receipt,) = restore(RestoreRequest(source, out, options=options)).receipts
    assert receipt.metadata["xmp"] == "none"
    assert "XMP was left out: it is damaged" in receipt.notes[0]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_how_a_png_wants_its_numbers_shown(tmp_path: Path, models: Models, suffix: str) -> None:
    source, out = tmp_path / "in.png", tmp_path / f"out{suffix}"
    plain = write_picture(source, noise(9, 9)).read_bytes()
    linear = chunk(b"gAMA", (100_000).to_bytes(4, "big"))
    source.write_bytes(plain[:33] + linear + plain[33:])  # behind IHDR
    options = PhotoOptions(model=models.restore, device="cpu")
    (receipt,) = restore(RestoreRequest(source, out, strength=0.0, options=options)).receipts
    assert (linear in out.read_bytes()) == (suffix == ".png")
    assert any("gAMA" in note for note in receipt.notes) == (suffix != ".png")
