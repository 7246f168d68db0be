from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganvas.errors import UsageError
from ganvas.image.metadata import Metadata
from ganvas.image.photo import Photo, SourceFormat
from ganvas.job.photo_files import Entry
from ganvas.job.photo_format import target_of
from ganvas.job.photo_options import FormatChoice, PhotoOptions


def photo(format: SourceFormat, lossy: bool = False, palette: bool = False, bits: int = 8, side: int = 4) -> Photo:
    pixels = np.zeros((1, side, 3), {8: np.uint8, 16: np.uint16}[bits])
    return Photo(pixels, format, lossy, palette, Metadata(None, None, None))


def entry(suffix: str | None = None, name: str = "a", full: bool = False) -> Entry:
    return Entry(Path("in/a.x"), "a.x", Path("out") / name, suffix, full)


@pytest.mark.parametrize(
    ("given", "choice", "wanted"),
    [
        (photo("png"), "lossless", ("a.png", "png", None)),
        (photo("tiff"), "lossless", ("a.tif", "tiff", None)),
        (photo("tiff", lossy=True), "lossless", ("a.png", "png", None)),
        (photo("webp"), "lossless", ("a.webp", "webp", None)),
        (photo("webp", lossy=True), "lossless", ("a.png", "png", None)),
        (photo("jpeg", lossy=True), "lossless", ("a.png", "png", None)),
        (photo("bmp"), "lossless", ("a.png", "png", None)),
        (photo("jpeg", lossy=True), "keep", ("a.jpg", "jpeg", 95)),
        (photo("webp", lossy=True), "keep", ("a.webp", "webp", 90)),
        (photo("webp"), "keep", ("a.webp", "webp", None)),
        (photo("bmp"), "keep", ("a.png", "png", None)),
        (photo("jpeg", lossy=True), "webp", ("a.webp", "webp", None)),
        (photo("png"), "jpeg", ("a.jpg", "jpeg", 95)),
    ],
)
def test_which_format(given: Photo, choice: FormatChoice, wanted: tuple[str, str, int | None]) -> None:
    target = target_of(entry(), given, PhotoOptions(format=choice))
    assert (target.path.name, target.format, target.quality) == wanted


def test_the_user_s_suffix_and_quality() -> None:
    target = target_of(entry(".JPG"), photo("png"), PhotoOptions())
    assert (target.path.name, target.format, target.quality) == ("a.JPG", "jpeg", 95)
    assert target_of(entry(), photo("png"), PhotoOptions(format="jpeg", quality=70)).quality == 70
    with pytest.raises(UsageError, match=r"ends in '.jpg', but --format png means png"):
        target_of(entry(".jpg"), photo("png"), PhotoOptions(format="png"))
    with pytest.raises(UsageError, match=r"ends in '.bmp', which is not written"):
        target_of(entry(".bmp"), photo("png"), PhotoOptions())


def test_full_names_get_no_second_suffix() -> None:
    assert target_of(entry(name="a.png", full=True), photo("png"), PhotoOptions()).path.name == "a.png"
    assert target_of(entry(name="a.jpg", full=True), photo("jpeg", lossy=True), PhotoOptions()).path.name == "a.jpg.png"
    assert target_of(entry(name="a.png"), photo("png"), PhotoOptions()).path.name == "a.png.png"  # of a.png.jpg


def test_bits_and_what_is_said_of_them() -> None:
    assert target_of(entry(), photo("png", bits=16), PhotoOptions()).dtype == np.uint16
    assert target_of(entry(), photo("tiff", bits=16), PhotoOptions(format="keep")).dtype == np.uint16
    cut = target_of(entry(), photo("png", bits=16), PhotoOptions(format="jpeg"))
    assert cut.dtype == np.uint8
    assert "16 bits became 8" in cut.notes[0]
    assert "palette" in target_of(entry(), photo("png", palette=True), PhotoOptions(format="keep")).notes[0]


@pytest.mark.parametrize(
    ("choice", "channels", "bits", "stored"),
    [("tiff", 2, 16, 4), ("tiff", 1, 16, 1), ("tiff", 2, 8, 2), ("webp", 1, 8, 3), ("png", 2, 16, 2)],
)
def test_grey_that_becomes_colour_is_said(choice: FormatChoice, channels: int, bits: int, stored: int) -> None:
    pixels = np.zeros((1, 4, channels), {8: np.uint8, 16: np.uint16}[bits])
    given = Photo(pixels, "png", lossy=False, palette=False, metadata=Metadata(None, None, None))
    target = target_of(entry(), given, PhotoOptions(format=choice))
    assert target.channels == stored
    assert [note for note in target.notes if "equal red, green and blue" in note] == list(target.notes)
    assert bool(target.notes) == (stored != channels)


@pytest.mark.parametrize(
    ("given", "choice", "sentence"),
    [
        (photo("webp", side=8192), "webp", "webp picture has at most 16,383 pixels a side, and this one is 16384x2"),
        (replace(photo("png"), pixels=np.zeros((1, 4, 4), np.uint8)), "jpeg", "jpeg picture has no transparency"),
        (replace(photo("png"), metadata=Metadata(None, bytes(65_528), None)), "jpeg", "The EXIF has 65,528 bytes"),
        (
            replace(
                photo("png"), pixels=np.zeros((1, 4, 1), np.uint8), metadata=Metadata(bytes(16) + b"GRAY", None, None)
            ),
            "webp",
            "grey with an ICC profile of greys, .* choose png",
        ),
    ],
)
def test_what_a_format_cannot_hold_is_refused(given: Photo, choice: FormatChoice, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        target_of(entry(), given, PhotoOptions(format=choice), scale=2)


def test_what_only_png_can_say_of_colours_is_said_to_be_lost() -> None:
    linear = Metadata(None, None, None, png_colours=((b"gAMA", b"\0\1\x86\xa0"),))
    cases: list[tuple[Metadata, FormatChoice, bool]] = [
        (linear, "jpeg", True),
        (linear, "png", False),
        (replace(linear, icc=b"which counts instead"), "jpeg", False),
        (replace(linear, icc=b"which counts no more", png_colours=((b"cICP", b"\x09\x10\0\1"),)), "jpeg", True),
        (replace(linear, png_colours=((b"sRGB", b"\0"),)), "jpeg", False),
    ]
    for metadata, choice, lost in cases:
        notes = target_of(entry(), replace(photo("png"), metadata=metadata), PhotoOptions(format=choice)).notes
        assert any("has no place in jpeg: it looks different" in note for note in notes) == lost


def test_webp_has_an_end() -> None:
    assert target_of(entry(), photo("webp", side=8191), PhotoOptions(), scale=2).format == "webp"
    assert target_of(entry(), photo("webp", side=8192), PhotoOptions(), scale=2).format == "png"
