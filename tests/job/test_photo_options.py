from pathlib import Path

import pytest

from ganvas.errors import UsageError
from ganvas.job.photo_options import PhotoOptions, check_share

OUT = Path("out")


@pytest.mark.parametrize(("tile", "wanted"), [("auto", None), ("1", 1), ("256", 256)])
def test_tiles(tile: str, wanted: int | None) -> None:
    assert PhotoOptions(tile=tile).tile_px() == wanted


@pytest.mark.parametrize("tile", ["0", "-3", "big", "1.5", "²", "9" * 30, ""])
def test_no_tiles(tile: str) -> None:
    with pytest.raises(UsageError, match=r"--tile is '.*', but it must be auto or a side in pixels such as 256."):
        PhotoOptions(tile=tile).check(OUT)


@pytest.mark.parametrize("quality", [0, 101, -1])
def test_qualities_out_of_range(quality: int) -> None:
    with pytest.raises(UsageError, match="must be 1 to 100"):
        PhotoOptions(quality=quality, format="jpeg").check(OUT)


def test_a_quality_needs_a_lossy_format() -> None:
    PhotoOptions(quality=80, format="keep").check(OUT)
    for format in ("lossless", "png", "tiff"):
        with pytest.raises(UsageError, match=f"--quality is 80, but --format {format} loses nothing"):
            PhotoOptions(quality=80, format=format).check(OUT)


def test_a_quality_is_for_the_format_that_a_name_asks_for() -> None:
    for name in ("a.jpg", "a.JPEG", "a.webp"):
        PhotoOptions(quality=80).check(Path(name))
    for name in ("a.png", "folder"):
        with pytest.raises(UsageError, match="--quality is 80, but the default format loses nothing; leave it out"):
            PhotoOptions(quality=80).check(Path(name))


@pytest.mark.parametrize(("name", "value"), [("format", "PNG"), ("format", "gif"), ("precision", "float16")])
def test_what_the_command_line_would_refuse_is_refused_from_python(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"^--{name} is '{value}', but it must be (lossless, keep|auto, float32)"):
        PhotoOptions(**{name: value}).check(OUT)  # type: ignore[arg-type]


def test_shares() -> None:
    check_share("fidelity", 0)
    check_share("fidelity", 1)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match=r"--fidelity is .*, but it must be from 0 to 1"):
            check_share("fidelity", wrong)


def test_a_receipt_replaces_no_picture() -> None:
    PhotoOptions(receipt=Path("a/r.JSON")).check(OUT)
    for name in ("a.png", "model.safetensors", "ganvas-done.jsonl", "receipt"):
        with pytest.raises(UsageError, match=f"--receipt is '{name}', but it is JSON; give a name that ends in .json"):
            PhotoOptions(receipt=Path(name)).check(OUT)
