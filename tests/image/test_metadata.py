"""Profile, resolution and EXIF of files Pillow wrote, and of some it cannot write."""

import struct
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import IFDRational

from ganvas.image.exif import exif_dpi, read_exif
from ganvas.image.metadata import MAX_DPI, Metadata, dpi_fractions
from ganvas.image.read_photo import read_photo
from tests.image.handmade import PNG_SIGNATURE, chunk, noise, rgb_profile, saved, tiff
from tests.image.test_xmp import PACKET

PICTURE = Image.fromarray(noise(4, 6, 3))
FORMATS = pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
EXIF_FORMATS = pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
PROFILE = rgb_profile((0.1431, 0.0606, 0.7139), (0.3851, 0.7169, 0.0971), (0.4360, 0.2225, 0.0139))


def metadata(data: bytes, private: bool = False) -> Metadata:
    return read_photo(data, "x", keep_private=private).metadata


def exif(**tags: Any) -> Image.Exif:
    made = Image.Exif()
    for name, value in tags.items():
        made[Base[name]] = value
    return made


def bmp_v5(profile: bytes, kind: bytes = b"DEBM") -> bytes:
    """A BMP of one pixel with the header of version 5 (BITMAPV5HEADER) and a profile behind the pixel."""
    info = struct.pack("<IiiHHIIiiII", 124, 1, 1, 1, 24, 0, 4, 11_811, 5_906, 0, 0) + bytes(16) + kind
    info = info.ljust(112, b"\0") + struct.pack("<III", 128, len(profile), 0)
    return struct.pack("<2sIHHI", b"BM", 142 + len(profile), 0, 0, 138) + info + b"\1\2\3\0" + profile


@FORMATS
def test_a_bare_file_says_nothing(format: str) -> None:
    expected = pytest.approx((96, 96), abs=0.02) if format == "BMP" else None  # what Pillow writes there unasked
    found = metadata(saved(PICTURE, format))
    assert (found.icc, found.exif, found.dpi) == (None, None, expected)


@pytest.mark.parametrize("profile", [PROFILE, b"not a profile \xff"], ids=["other", "unreadable"])
@EXIF_FORMATS
def test_profile_is_kept_byte_by_byte(format: str, profile: bytes) -> None:
    assert metadata(saved(PICTURE, format, icc_profile=profile)).icc == profile


def test_profile_of_a_bmp() -> None:
    assert metadata(bmp_v5(PROFILE)).icc == PROFILE
    assert metadata(bmp_v5(PROFILE, b"BGRs")).icc is None
    assert metadata(bmp_v5(b"")).icc is None
    assert metadata(bmp_v5(PROFILE)[:-9]).icc == PROFILE[:-9]


@pytest.mark.parametrize("dpi", [(300, 300), (299.9994, 150), (2, 65_000)])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "BMP"])
def test_resolution_of_the_format(format: str, dpi: tuple[float, float]) -> None:
    off = {"JPEG": 0.5, "TIFF": 1e-4}.get(format, 0.02)
    assert metadata(saved(PICTURE, format, dpi=dpi)).dpi == pytest.approx(dpi, abs=off)


def test_resolution_in_centimetres() -> None:
    jpeg = bytearray(saved(PICTURE, "JPEG", dpi=(100, 200)))
    assert jpeg[13] == 1  # JFIF 1.02: units
    jpeg[13] = 2
    assert metadata(bytes(jpeg)).dpi == (254, 508)
    assert metadata(saved(PICTURE, "TIFF", x_resolution=100, y_resolution=200, resolution_unit=3)).dpi == (254, 508)


def test_resolution_without_a_unit_is_none() -> None:
    png = saved(PICTURE, "PNG")
    end = len(PNG_SIGNATURE) + 25
    assert metadata(png[:end] + chunk(b"pHYs", struct.pack(">IIB", 3, 4, 0)) + png[end:]).dpi is None
    assert metadata(saved(PICTURE, "TIFF", x_resolution=100, y_resolution=200, resolution_unit=1)).dpi is None
    jpeg = bytearray(saved(PICTURE, "JPEG", dpi=(100, 200)))
    jpeg[13] = 0
    assert metadata(bytes(jpeg)).dpi is None


@pytest.mark.parametrize("dpi", [(0, 0), (0, 300), (70_000, 300)])
def test_senseless_resolution_is_none(dpi: tuple[int, int]) -> None:
    for format in ("PNG", "TIFF"):
        assert metadata(saved(PICTURE, format, dpi=dpi)).dpi is None


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_resolution_of_exif_where_the_format_has_none(format: str) -> None:
    tags = exif(XResolution=IFDRational(300), YResolution=IFDRational(150), ResolutionUnit=2)
    assert metadata(saved(PICTURE, format, exif=tags)).dpi == (300, 150)
    if format != "WEBP":
        assert metadata(saved(PICTURE, format, exif=tags, dpi=(72, 72))).dpi == pytest.approx((72, 72), abs=0.02)


@pytest.mark.parametrize("turn", range(1, 9))
@EXIF_FORMATS
def test_resolution_turns_with_the_picture(format: str, turn: int) -> None:
    tags = exif(XResolution=IFDRational(300), YResolution=IFDRational(150), ResolutionUnit=2, Orientation=turn)
    expected = (150, 300) if turn > 4 else (300, 150)
    assert metadata(saved(PICTURE, format, exif=tags)).dpi == expected


@EXIF_FORMATS
def test_exif_is_cleaned_or_kept(format: str) -> None:
    tags = exif(Make="Maker", HostComputer="SECRET", Orientation=3)
    tags.get_ifd(IFD.Exif)[Base.ISOSpeedRatings] = 400
    tags.get_ifd(IFD.GPSInfo)[1] = "N"
    clean, private = (
        metadata(saved(PICTURE, format, exif=tags.tobytes()), private=keep).exif for keep in (False, True)
    )
    assert clean is not None
    assert private is not None
    again = Image.Exif()
    again.load(clean)
    assert {tag: value for tag, value in again.items() if tag != IFD.Exif} == {Base.Make: "Maker"}
    assert again.get_ifd(IFD.Exif) == {Base.ISOSpeedRatings: 400}
    again.load(private)
    assert again[Base.HostComputer] == "SECRET"
    assert Base.Orientation not in again
    assert again.get_ifd(IFD.GPSInfo) == {1: "N"}


def test_directory_of_a_tiff_is_not_taken_for_exif() -> None:
    assert metadata(saved(PICTURE, "TIFF", dpi=(72, 72), icc_profile=PROFILE), private=True).exif is None
    assert metadata(tiff(noise(3, 4, 3), 2), private=True).exif is None


def test_exif_as_imagemagick_hid_it_in_png() -> None:
    block = exif(Make="Maker").tobytes()
    text = b"Raw profile type exif\0\nexif\n%8d\n" % len(block) + block.hex().encode()
    png = saved(PICTURE, "PNG")
    end = len(PNG_SIGNATURE) + 25
    found = metadata(png[:end] + chunk(b"tEXt", text) + png[end:]).exif
    assert found is not None
    assert b"Maker" in found
    assert metadata(png[:end] + chunk(b"tEXt", text[:-1] + b"?") + png[end:]).exif is None


@EXIF_FORMATS
def test_xmp_of_every_format(format: str) -> None:
    found = metadata(with_xmp(format, PACKET))
    assert found.xmp is not None
    assert "Oma &amp; ich" in found.xmp.decode()
    assert b"Bonn" not in found.xmp
    assert found.notes == ()
    assert b"Bonn" in (metadata(with_xmp(format, PACKET), private=True).xmp or b"")
    broken = metadata(with_xmp(format, PACKET[:900]), private=True)
    assert broken.xmp is None
    (note,) = broken.notes
    assert note.startswith("The photograph's XMP was left out: it is damaged (")


def with_xmp(format: str, packet: bytes) -> bytes:
    if format == "PNG":
        text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
        return (
            saved(PICTURE, format)[:-12] + text + chunk(b"IEND", b"")
        )  # behind the pixels, where Pillow does not look
    return saved(PICTURE, format, **({"tiffinfo": {700: packet}} if format == "TIFF" else {"xmp": packet}))


def test_regions_of_a_turned_picture_go() -> None:
    for turn, stay in ((1, True), (6, False)):
        found = metadata(saved(PICTURE, "JPEG", xmp=PACKET, exif=exif(Orientation=turn)), private=True).xmp
        assert (b"a face" in (found or b"")) == stay


def test_an_iptc_block_that_is_left_out_is_said() -> None:
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", 10) + b"\x1c\x02\x78\0\5Anna "
    jpeg = saved(PICTURE, "JPEG")
    for data in (
        jpeg[:2] + b"\xff\xed" + struct.pack(">H", 2 + len(block)) + block + jpeg[2:],
        saved(PICTURE, "TIFF", tiffinfo={33723: b"\x1c\x02\x78\0\5Anna "}),
    ):
        (note,) = metadata(data, private=True).notes
        assert "IPTC block was left out" in note
    other = block.replace(b"\x04\x04", b"\x04\x0a")
    assert metadata(jpeg[:2] + b"\xff\xed" + struct.pack(">H", 2 + len(other)) + other + jpeg[2:]).notes == ()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("garbage", [b"", b"garbage", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_unreadable_exif_counts_as_none(format: str, garbage: bytes) -> None:
    data = saved(PICTURE, format, exif=b"Exif\0\0" + garbage)
    assert metadata(data, private=True).exif is None


@pytest.mark.parametrize("dpi", [(300, 72), (299.9994, 1), (MAX_DPI - 1e-5, 1 / 3 + 1)])
def test_fractions_fit_four_bytes(dpi: tuple[float, float]) -> None:
    for value, (above, below) in zip(dpi, dpi_fractions(dpi), strict=True):
        assert above < 1 << 32
        assert above / below == pytest.approx(value, abs=1e-4)


def test_fractions_are_those_exif_tells() -> None:
    tags = exif(XResolution=IFDRational(300), YResolution=IFDRational(2999994, 10000))
    found = read_exif(tags.tobytes())
    assert found is not None
    assert exif_dpi(found) == tuple(above / below for above, below in dpi_fractions((300, 299.9994)))
