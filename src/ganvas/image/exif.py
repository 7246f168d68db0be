"""EXIF: what a photograph tells of its making, without what it tells of its owner.

The EXIF of a file (CIPA DC-008, Exif 3.0) is taken apart as TIFF directories and packed anew from the fields that may
stay. By default these are listed one by one, so that no maker's field with a serial number in it slips through.
Nothing is interpreted, so odd values survive as they are; what cannot be taken apart counts as no EXIF at all.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PIL.ExifTags import IFD, Base

from ganvas.image.directory import (
    MAX_VALUE_BYTES,
    RATIONAL,
    SHORT,
    Directory,
    Field,
    Order,
    Pointers,
    field,
    packed,
    read_directory,
)

PREFIX = b"Exif\0\0"
"""Stands before EXIF in a JPEG file, and is not part of it."""
_POINTERS: Pointers = {IFD.Exif: {IFD.Interop: {}}, IFD.GPSInfo: {}}
_INCH, _CENTIMETRE = 2, 3

_OF_THE_PICTURE = frozenset({
    Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.Copyright,
    Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
})  # fmt: skip
_OF_THE_SHOT = frozenset({
    Base.ExposureTime, Base.FNumber, Base.ExposureProgram, Base.SpectralSensitivity, Base.ISOSpeedRatings, Base.OECF,
    Base.SensitivityType, Base.StandardOutputSensitivity, Base.RecommendedExposureIndex, Base.ISOSpeed,
    Base.ISOSpeedLatitudeyyy, Base.ISOSpeedLatitudezzz, Base.ExifVersion, Base.DateTimeOriginal,
    Base.DateTimeDigitized, Base.OffsetTime, Base.OffsetTimeOriginal, Base.OffsetTimeDigitized, Base.SubsecTime,
    Base.SubsecTimeOriginal, Base.SubsecTimeDigitized, Base.ShutterSpeedValue, Base.ApertureValue,
    Base.BrightnessValue, Base.ExposureBiasValue, Base.MaxApertureValue, Base.SubjectDistance, Base.MeteringMode,
    Base.LightSource, Base.Flash, Base.FocalLength, Base.UserComment, Base.ColorSpace, Base.Gamma, Base.FlashEnergy,
    Base.ExposureIndex, Base.SensingMethod, Base.FileSource, Base.SceneType, Base.CustomRendered, Base.ExposureMode,
    Base.WhiteBalance, Base.DigitalZoomRatio, Base.FocalLengthIn35mmFilm, Base.SceneCaptureType, Base.GainControl,
    Base.Contrast, Base.Saturation, Base.Sharpness, Base.SubjectDistanceRange, Base.LensSpecification, Base.LensMake,
    Base.LensModel,
})  # fmt: skip
_OF_THE_COLOURS = frozenset({1, 2})  # in the interoperability directory: sRGB or Adobe RGB
_OF_THE_OLD_FILE = frozenset({
    *range(Base.NewSubfileType, Base.XMLPacket + 1),  # what is in TIFF 6.0, and XMP
    Base.IPTCNAA, Base.ImageResources, Base.InterColorProfile, Base.ComponentsConfiguration,
    Base.CompressedBitsPerPixel, Base.ExifImageWidth, Base.ExifImageHeight,
}) - _OF_THE_PICTURE - {Base.DocumentName, Base.PageName, Base.HostComputer}  # fmt: skip
"""Size, layout, orientation, resolution and colours of the file it was read from, and blocks that are not EXIF's."""


@dataclass(frozen=True)
class Exif:
    """The directories of an EXIF block, in its byte order."""

    order: Order
    directory: Directory


def read_exif(data: bytes) -> Exif | None:
    """EXIF with or without its prefix, or that of a whole classic TIFF file; None where it cannot be read.

    The second directory, which describes the thumbnail, is passed over.
    """
    data = data.removeprefix(PREFIX)
    orders: Mapping[bytes, Order] = {b"II*\0": "<", b"MM\0*": ">"}
    if len(data) < 8 or data[:4] not in orders:
        return None
    order = orders[data[:4]]
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    try:
        return Exif(order, read_directory(data, first, order, _POINTERS))
    except ValueError:
        return None


def kept(exif: Exif, *, private: bool) -> Exif:
    """What may travel on with the picture.

    Orientation, resolution and all that describes the old file go in any case: the new file says them itself. So go
    thumbnails, and blocks of IPTC, XMP and Photoshop. Position (GPS), maker notes, serial numbers, owner names,
    picture identifiers and unknown fields go unless `private` is to be kept; author and copyright stay.
    """
    main, shot = exif.directory, exif.directory.inner.get(IFD.Exif, Directory({}, {}))
    colours = shot.inner.get(IFD.Interop, Directory({}, {}))
    inner: dict[int, Directory] = {
        IFD.Exif: Directory(
            _chosen(shot, None if private else _OF_THE_SHOT),
            _filled({IFD.Interop: Directory(_chosen(colours, None if private else _OF_THE_COLOURS), {})}),
        )
    }
    if private and IFD.GPSInfo in main.inner:
        inner[IFD.GPSInfo] = main.inner[IFD.GPSInfo]
    return Exif(exif.order, Directory(_chosen(main, None if private else _OF_THE_PICTURE), _filled(inner)))


def exif_bytes(exif: Exif) -> bytes | None:
    """The block without its prefix; None where nothing is in it.

    Maker notes point into themselves by offsets from the beginning of the block, and stay where they were (in so
    far as that was where EXIF lies in a JPEG file).
    """
    if not exif.directory.fields and not exif.directory.inner:
        return None
    notes = exif.directory.inner.get(IFD.Exif, Directory({}, {})).fields.get(Base.MakerNote)
    before, in_place = b"", None
    if notes is not None and notes.offset is not None and 8 <= notes.offset <= MAX_VALUE_BYTES:
        before, in_place = bytes(notes.offset - 8) + notes.value, notes
        before += b"\0" * (len(before) % 2)
    start = 8 + len(before)
    head = struct.pack(f"{exif.order}2sHI", b"II" if exif.order == "<" else b"MM", 42, start)
    return head + before + packed(exif.directory, exif.order, start, in_place=in_place)


def exif_dpi(exif: Exif) -> tuple[float, float] | None:
    """Horizontal and vertical resolution in dots an inch, not checked for sense; None where it is not said."""
    found = exif.directory.fields
    x, y = (_ratio(found.get(tag), exif.order) for tag in (Base.XResolution, Base.YResolution))
    unit_field = found.get(Base.ResolutionUnit, field(SHORT, exif.order, _INCH))
    unit = int.from_bytes(unit_field.value, "little" if exif.order == "<" else "big")
    if x is None or y is None or unit not in (_INCH, _CENTIMETRE):
        return None
    scale = 2.54 if unit == _CENTIMETRE else 1.0
    return x * scale, y * scale


def with_resolution(exif: Exif, fractions: tuple[tuple[int, int], tuple[int, int]]) -> Exif:
    """With a horizontal and vertical resolution in dots an inch, as numerators and denominators."""
    return Exif(
        exif.order, replace(exif.directory, fields={**exif.directory.fields, **resolution(exif.order, fractions)})
    )


def resolution(order: Order, fractions: tuple[tuple[int, int], tuple[int, int]]) -> dict[int, Field]:
    """The three fields that state a resolution in dots an inch."""
    return {
        Base.XResolution: field(RATIONAL, order, *fractions[0]),
        Base.YResolution: field(RATIONAL, order, *fractions[1]),
        Base.ResolutionUnit: field(SHORT, order, _INCH),
    }


def _chosen(directory: Directory, wanted: frozenset[int] | None) -> dict[int, Field]:
    """The fields of a list, or all of them; never those that describe the old file."""
    fields = {tag: found for tag, found in directory.fields.items() if tag not in _OF_THE_OLD_FILE}
    return fields if wanted is None else {tag: found for tag, found in fields.items() if tag in wanted}


def _filled(directories: Mapping[int, Directory]) -> dict[int, Directory]:
    return {tag: inner for tag, inner in directories.items() if inner.fields or inner.inner}


def _ratio(found: Field | None, order: Order) -> float | None:
    if found is None or found.kind != RATIONAL:
        return None
    above, below = struct.unpack_from(f"{order}II", found.value)
    return above / below if below else None
