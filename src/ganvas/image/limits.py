"""What each format a picture is written in can hold."""

from ganvas.errors import UsageError
from ganvas.image.metadata import Metadata

MAX_SIDE_PX = {"png": 2**31 - 1, "tiff": 2**31 - 1, "webp": 16_383, "jpeg": 65_500}
_WITH_QUALITY = ("jpeg", "webp")
_JPEG_SEGMENT_BYTES = 65_533
_JPEG_METADATA_BYTES = {
    "EXIF": _JPEG_SEGMENT_BYTES - len(b"Exif\0\0"),
    "XMP": _JPEG_SEGMENT_BYTES - len(b"http://ns.adobe.com/xap/1.0/\0"),
    "ICC profile": 255 * (_JPEG_SEGMENT_BYTES - len(b"ICC_PROFILE\0") - 2),
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


def check_metadata_fit(format: str, metadata: Metadata, xmp: bytes | None) -> None:
    """Refuse metadata too long for JPEG, the one format with narrow limits.

    Raises:
        UsageError: says which, and how long.
    """
    if format != "jpeg":
        return
    for name, block in (("EXIF", metadata.exif), ("XMP", xmp), ("ICC profile", metadata.icc)):
        if block is not None and len(block) > _JPEG_METADATA_BYTES[name]:
            raise UsageError(
                f"The {name} has {len(block):,} bytes, and a jpeg picture has room for "
                f"{_JPEG_METADATA_BYTES[name]:,}; choose png, tiff or webp."
            )
