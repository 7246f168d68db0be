import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganvas.errors import FileError, UsageError
from ganvas.image.metadata import Metadata
from ganvas.image.provenance import SourceType, read_mark
from ganvas.image.write_photo import PhotoFormat
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.upscale import UpscaleRequest, upscale
from tests.job.conftest import Models
from tests.photo_models import noise, read_picture, write_picture


def repeated(pixels: np.ndarray, scale: int = 2) -> np.ndarray:
    return pixels.repeat(scale, 0).repeat(scale, 1)


def ask(photos: Path, out: Path, model: Path, **options: Any) -> UpscaleRequest:
    return UpscaleRequest(photos, out, options=PhotoOptions(model=model, device="cpu", **options))


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_depth_and_kind(
    tmp_path: Path, models: Models, format: PhotoFormat, dtype: type[np.uint8], channels: int
) -> None:
    pixels = noise(13, 17, channels, dtype)
    source = write_picture(tmp_path / "in.x", pixels, format).rename(tmp_path / f"in.{format}")
    result = upscale(ask(source, tmp_path / "out", models.upscale, tile="5"))
    (receipt,) = result.receipts
    back = read_picture(Path(receipt.output.file))
    assert back.format == format
    assert back.pixels.dtype == dtype
    assert np.array_equal(back.pixels, repeated(pixels))  # the lock adds nothing where nothing is lost
    assert receipt.output.size_px == (34, 26)
    assert receipt.colour_residual_levels == pytest.approx(0, abs=1e-4)
    assert receipt.tile_px == 5


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (4, 5), (7, 11)])
def test_small_and_thin(tmp_path: Path, models: Models, size: tuple[int, int]) -> None:
    pixels = noise(*size)
    source = write_picture(tmp_path / "in.png", pixels)
    upscale(ask(source, tmp_path / "out.png", models.upscale))
    assert np.array_equal(read_picture(tmp_path / "out.png").pixels, repeated(pixels))


def test_transparency(tmp_path: Path, models: Models) -> None:
    pixels = noise(12, 12, 4)
    pixels[..., 3] = 255
    pixels[:, :6, 3] = 0
    source = write_picture(tmp_path / "in.png", pixels)
    upscale(replace(ask(source, tmp_path / "out.png", models.upscale), colour_lock=False))
    back = read_picture(tmp_path / "out.png").pixels
    assert np.array_equal(back[:, 12:, :3], repeated(pixels)[:, 12:, :3])
    assert (back[:, :8, 3] == 0).all()
    assert (back[:, 16:, 3] == 255).all()


def test_the_two_ends_their_marks_and_the_map(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", np.full((9, 9, 3), 100, np.uint8))
    free = replace(ask(source, tmp_path / "a", models.shifted), colour_lock=False)
    (faithful,) = upscale(free).receipts
    assert (read_picture(tmp_path / "a" / "in.png").pixels == 100).all()
    assert faithful.source_type == SourceType.ENHANCED
    (inventive,) = upscale(replace(free, fidelity=0.0, map=True, out=tmp_path / "b")).receipts
    assert (read_picture(tmp_path / "b" / "in.png").pixels == 113).all()  # 0.1 is 12.75 levels
    assert inventive.source_type == SourceType.COMPOSITE
    mark = read_mark((tmp_path / "b" / "in.png").read_bytes(), "in.png")
    assert mark is not None
    assert mark.source_type == SourceType.COMPOSITE
    levels = read_picture(tmp_path / "b" / "in.map.png").pixels
    assert levels.shape == (18, 18, 1)
    assert (levels == 51).all()  # four grey levels for each of 12.75
    (between,) = upscale(replace(free, fidelity=0.5, out=tmp_path / "c")).receipts
    assert (read_picture(tmp_path / "c" / "in.png").pixels == 106).all()
    (locked,) = upscale(replace(free, fidelity=0.0, colour_lock=True, out=tmp_path / "d")).receipts
    assert (read_picture(tmp_path / "d" / "in.png").pixels == 100).all()
    assert between.colour_residual_levels is None
    assert locked.colour_residual_levels == pytest.approx(0, abs=0.01)


def test_what_travels_on(tmp_path: Path, models: Models) -> None:
    metadata = Metadata(icc=b"a profile" * 9, exif=None, dpi=(300.0, 300.0))
    source = write_picture(tmp_path / "in.png", noise(5, 5), metadata=metadata)
    (receipt,) = upscale(ask(source, tmp_path / "out.png", models.upscale, mark=False)).receipts
    back = read_picture(tmp_path / "out.png").metadata
    assert back.icc == metadata.icc
    assert back.dpi == pytest.approx((300.0, 300.0), abs=0.02)
    assert receipt.metadata == {"icc": "kept", "exif": "none", "xmp": "none", "dpi": "kept", "private": "dropped"}
    assert read_mark((tmp_path / "out.png").read_bytes(), "") is None


def test_the_receipt_as_a_file(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(5, 6))
    upscale(ask(source, tmp_path / "out.png", models.upscale, receipt=tmp_path / "r.json"))
    told = json.loads((tmp_path / "r.json").read_text())
    assert (told["verb"], told["source"]["size_px"], told["output"]["size_px"]) == ("upscale", [6, 5], [12, 10])
    assert told["models"][0]["name"] == "upscale"
    assert told["seed"] is None
    assert len(told["output"]["sha256"]) == 64


def test_a_lossy_photograph_comes_back_lossless_unless_asked(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.jpg", noise(20, 20), "jpeg", quality=90)
    upscale(ask(source, tmp_path / "out", models.upscale))
    upscale(ask(source, tmp_path / "out", models.upscale, format="keep"))
    decoded = read_picture(source).pixels
    assert np.array_equal(read_picture(tmp_path / "out" / "in.png").pixels, repeated(decoded))
    assert read_picture(tmp_path / "out" / "in.jpg").format == "jpeg"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scale": 1}, "--scale is 1, but it must be 2 or 4"),
        ({"scale": 4}, "enlarges ×2, not ×4"),
        ({"fidelity": 1.5}, "--fidelity is 1.5"),
        ({"fidelity": 0.5}, r"--fidelity is 0\.5, but the model 'upscale' has no faithful and no inventive end"),
        ({"map": True}, "--map is given, but the model 'upscale' has no faithful"),
    ],
)
def test_wrong_use(tmp_path: Path, models: Models, change: dict[str, Any], sentence: str) -> None:
    source = write_picture(tmp_path / "in.png", noise(5, 5))
    with pytest.raises(UsageError, match=sentence):
        upscale(replace(ask(source, tmp_path / "out.png", models.upscale), **change))
    assert not (tmp_path / "out.png").exists()


def test_models_of_another_kind(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(5, 5))
    with pytest.raises(UsageError, match="is a model for restore, not upscale"):
        upscale(ask(source, tmp_path / "out.png", models.restore))
    with pytest.raises(FileError, match="There is no model file"):
        upscale(ask(source, tmp_path / "out.png", tmp_path / "none.safetensors"))
    with pytest.raises(FileError, match=r"train one \(ganvas train PHOTOS --task upscale --scale 3\)"):
        upscale(UpscaleRequest(source, tmp_path / "out.png", scale=3))
