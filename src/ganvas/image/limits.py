"""What each format a picture is written in can hold."""

from ganvas.errors import UsageError
from ganvas.image.decode import MAX_PROFILE_BYTES
from ganvas.image.metadata import Metadata
from ganvas.image.png import mean_srgb

MAX_SIDE_PX = {"png": 2**31 - 1, "tiff": 2**31 - 1, "webp": 16_383, "jpeg": 65_500}
_WITH_QUALITY = ("jpeg", "webp")
_JPEG_SEGMENT_BYTES = 65_533
_METADATA_BYTES = {
    ("jpeg", "EXIF"): _JPEG_SEGMENT_BYTES - len(b"Exif\0\0"),
    ("jpeg", "XMP"): _JPEG_SEGMENT_BYTES - len(b"http://ns.adobe.com/xap/1.0/\0"),
    ("jpeg", "ICC profile"): MAX_PROFILE_BYTES,
    ("png", "ICC profile"): MAX_PROFILE_BYTES,  # what our own reader takes
}


def stored_channels(format: str, channels: int, bits: int) -> int:
    """How many channels a file has: grey is repeated as RGB or RGBA where a format has none, or nobody reads it.

    WebP has no grey. TIFF has, but Pillow, and so most of what opens photographs in Python, ours included, reads no
    grey with alpha of 16 bits.
    """
    without_grey = format == "webp" or (format, channels, bits) == ("tiff", 2, 16)
    return channels + 2 if without_grey and channels < 3 else channels


def check_fits(format: str, size: tuple[int, int], channels: int, bits: int, quality: int | None) -> None:
    """Refuse a picture that a format cannot hold: a side too long, alpha or 16 bits in JPEG, 16 bits in WebP.

    Raises:
        UsageError: says what does not fit, and which format would.
    """
    height, width = size
    if max(size) > MAX_SIDE_PX[format]:
        raise UsageError(
            f"A {format} picture has at most {MAX_SIDE_PX[format]:,} pixels a side, "
            f"and this one is {width}x{height}; choose png."
        )
    if format == "jpeg" and channels in (2, 4):
        raise UsageError(f"A jpeg picture has no transparency; choose png or webp for {channels} channels.")
    if format in _WITH_QUALITY and bits == 16:
        raise UsageError(f"A {format} picture has 8 bits a channel, and this one has 16; choose png or tiff.")
    if quality is not None and (format not in _WITH_QUALITY or not 1 <= quality <= 100):
        raise UsageError(f"Quality {quality} for {format}: give 1 to 100 for jpeg or webp, and none for png or tiff.")


def check_metadata_fit(format: str, channels: int, bits: int, metadata: Metadata, xmp: bytes | None) -> None:
    """Refuse metadata too long for JPEG or PNG, and a profile of greys where grey is stored as colours.

    Raises:
        UsageError: says which, how long, and which format would do.
    """
    for name, block in (("EXIF", metadata.exif), ("XMP", xmp), ("ICC profile", metadata.icc)):
        most = _METADATA_BYTES.get((format, name))
        if block is not None and most is not None and len(block) > most:
            others = "tiff or webp" if ("png", name) in _METADATA_BYTES else "png, tiff or webp"
            raise UsageError(
                f"The {name} has {len(block):,} bytes, and a {format} picture has room for {most:,}; choose {others}."
            )
    repeated = stored_channels(format, channels, bits) != channels
    if repeated and metadata.icc is not None and metadata.icc[16:20] == b"GRAY":  # ICC.1:2022, 7.2.6
        raise UsageError(
            f"The picture is grey with an ICC profile of greys, and a {format} picture would store it as colours, "
            "for which that profile means nothing; choose png."
        )


def loses_colours(format: str, metadata: Metadata) -> bool:
    """Whether a file will look different, because chunks that only PNG has said how its numbers are to be shown."""
    above_profile = any(kind == b"cICP" for kind, _ in metadata.png_colours)
    told = metadata.icc is None or above_profile
    return format != "png" and told and not mean_srgb(metadata.png_colours)
