"""What of EXIF travels on: read by Pillow, with secrets planted where they must not survive."""

import struct
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import IFDRational

from ganvas.image.directory import Order
from ganvas.image.exif import PREFIX, exif_bytes, exif_dpi, kept, read_exif, with_resolution

ORDERS = pytest.mark.parametrize("order", get_args(Order))
SECRET = "4711-SECRET"
Tags = dict[int, Any]
NOTES = b"maker " + SECRET.encode() + b"\xff\x00\x01"
MAIN: Tags = {
    Base.Make: "Maker", Base.Model: "M 1", Base.ImageDescription: "a cow", Base.Artist: "Rosa B.",
    Base.Copyright: "(c) Rosa B.", Base.DateTime: "2024:05:06 07:08:09",
}  # fmt: skip
SHOT: Tags = {
    Base.ExposureTime: IFDRational(1, 125), Base.FNumber: IFDRational(28, 10), Base.ISOSpeedRatings: 400,
    Base.ColorSpace: 65535, Base.LensModel: "50 mm", Base.DateTimeOriginal: "2024:05:06 07:08:09",
    Base.LensSpecification: (50.0, 50.0, 2.5, 2.5), Base.UserComment: b"ASCII\0\0\0moo",
}  # fmt: skip
COLOURS: Tags = {1: "R03", 2: b"0100"}
GPS: Tags = {1: "N", 2: (51.0, 30.0, 1.5), 29: SECRET}
OWNER: Tags = {
    Base.MakerNote: NOTES, Base.CameraOwnerName: SECRET, Base.BodySerialNumber: SECRET, Base.LensSerialNumber: SECRET,
    Base.ImageUniqueID: SECRET, 0xFDE8: SECRET,
}  # fmt: skip
OWNER_MAIN: Tags = {Base.HostComputer: SECRET, Base.CameraSerialNumber: SECRET, 0xC7A1: SECRET}
OLD_FILE: Tags = {Base.Orientation: 6, Base.XResolution: 300.0, Base.YResolution: 150.0, Base.ResolutionUnit: 2}
OLD_SIZE: Tags = {Base.ExifImageWidth: 4000, Base.ExifImageHeight: 3000}


def block(order: Order = "<") -> bytes:
    """EXIF with all of the above and a thumbnail, as Pillow packs it."""
    exif = Image.Exif()
    exif.endian = order
    exif.update({**MAIN, **OWNER_MAIN, **OLD_FILE})
    exif.get_ifd(IFD.Exif).update({**SHOT, **OWNER, **OLD_SIZE, IFD.Interop: COLOURS})
    exif.get_ifd(IFD.GPSInfo).update(GPS)
    data = bytearray(exif.tobytes().removeprefix(PREFIX))
    (entries,) = struct.unpack_from(f"{order}H", data, 8)
    struct.pack_into(f"{order}I", data, 8 + 2 + 12 * entries, len(data))
    thumbnail = b"\xff\xd8thumbnail " + SECRET.encode()
    entry = struct.pack(f"{order}H HHII HHII I", 2, 513, 4, 1, len(data) + 30, 514, 4, 1, len(thumbnail), 0)
    return bytes(data) + entry + thumbnail


def cleaned(data: bytes, private: bool = False) -> bytes | None:
    exif = read_exif(data)
    return None if exif is None else exif_bytes(kept(exif, private=private))


def seen(data: bytes) -> tuple[Tags, Tags, Tags, Tags]:
    """Main, EXIF, interoperability and GPS fields by Pillow, without the pointers."""
    exif = Image.Exif()
    exif.load(data)
    inner = exif.get_ifd(IFD.Exif)
    pointers = {IFD.Exif, IFD.GPSInfo, IFD.Interop}
    main, shot = ({t: v for t, v in each.items() if t not in pointers} for each in (dict(exif), inner))
    return main, shot, exif.get_ifd(IFD.Interop), exif.get_ifd(IFD.GPSInfo)


@ORDERS
def test_shot_is_kept_and_owner_is_not(order: Order) -> None:
    data = cleaned(block(order))
    assert data is not None
    assert seen(data) == (MAIN, SHOT, COLOURS, {})
    assert SECRET.encode() not in data
    assert b"thumbnail" not in data
    assert block(order).count(SECRET.encode()) == 11  # they were there to be found


@ORDERS
def test_all_but_orientation_and_thumbnail_is_kept_on_demand(order: Order) -> None:
    data = cleaned(block(order), private=True)
    assert data is not None
    assert seen(data) == ({**MAIN, **OWNER_MAIN}, {**SHOT, **OWNER}, COLOURS, GPS)
    assert b"thumbnail" not in data


@ORDERS
def test_maker_notes_stay_where_they_were(order: Order) -> None:
    data = cleaned(block(order), private=True)
    assert data is not None
    assert data.index(NOTES) == block(order).index(NOTES)


def test_maker_notes_of_the_main_directory_are_any_field() -> None:
    tags = Image.Exif()
    tags[Base.MakerNote] = b"not in the usual place"
    tags.get_ifd(IFD.Exif)[Base.MakerNote] = NOTES
    main, shot, _, _ = seen(cleaned(tags.tobytes(), private=True) or b"")
    assert main == {Base.MakerNote: b"not in the usual place"}
    assert shot == {Base.MakerNote: NOTES}


def test_far_maker_notes_move() -> None:
    exif = read_exif(block())
    assert exif is not None
    far = bytes(1 << 17)
    data = cleaned(block()[:4] + struct.pack("<I", 8) + moved(far), private=True)
    assert data is not None
    assert len(data) < 1 << 16
    assert seen(data)[1][Base.MakerNote] == NOTES


def moved(gap: bytes) -> bytes:
    """A block behind its header whose maker notes lie beyond a gap, as they may in a TIFF file."""
    main = struct.pack("<HHHIII", 1, IFD.Exif, 4, 1, 26, 0)
    shot = struct.pack("<HHHIII", 1, Base.MakerNote, 7, len(NOTES), 44 + len(gap), 0)
    return main + shot + gap + NOTES


def test_prefix_and_garbage() -> None:
    assert cleaned(PREFIX + block()) == cleaned(block())
    for garbage in (b"", b"garbage", b"II*\0", b"II*\0\xff\xff\xff\xff", b"II+\0\x08\0\0\0", PREFIX):
        assert read_exif(garbage) is None


def test_nothing_worth_keeping_is_none() -> None:
    exif = Image.Exif()
    exif.update(OLD_FILE)
    exif.get_ifd(IFD.GPSInfo).update(GPS)
    assert cleaned(exif.tobytes()) is None
    assert cleaned(exif.tobytes(), private=True) is not None


@ORDERS
@pytest.mark.parametrize("unit", [None, 1, 2, 3, 9])
def test_resolution(order: Order, unit: int | None) -> None:
    tags = Image.Exif()
    tags.endian = order
    tags.update({Base.XResolution: 300.0, Base.YResolution: 150.5})
    if unit is not None:
        tags[Base.ResolutionUnit] = unit
    exif = read_exif(tags.tobytes())
    assert exif is not None
    known = {None: (300, 150.5), 2: (300, 150.5), 3: (762, 382.27)}
    assert exif_dpi(exif) == (pytest.approx(known[unit]) if unit in known else None)
    told = read_exif(exif_bytes(with_resolution(exif, ((72, 1), (144, 2)))) or b"")
    assert told is not None
    assert exif_dpi(told) == (72, 72)


def test_resolution_that_is_none() -> None:
    tags = Image.Exif()
    tags.update({Base.XResolution: IFDRational(300, 0), Base.YResolution: 300.0})
    exif = read_exif(tags.tobytes())
    assert exif is not None
    assert exif_dpi(exif) is None
    assert exif_dpi(kept(exif, private=True)) is None


@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=30),
    end=st.integers(0, 2000),
    order=st.sampled_from(get_args(Order)),
    private=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_mutants_are_kept_whole_or_not_at_all(
    changes: list[tuple[int, int]], end: int, order: Order, private: bool
) -> None:
    mutant = bytearray(block(order))
    for place, value in changes:
        mutant[place % len(mutant)] = value
    once = cleaned(bytes(mutant[:end]), private)
    if once is not None:
        assert cleaned(once, private) == once
        exif = read_exif(once)
        assert exif is not None
        exif_dpi(exif)
