"""Photographs from files, to be given back with nothing lost.

Unlike `ganvas.image.decode`, which brings pictures of all kinds to sRGB for training, this keeps the numbers of the
file, and refuses kinds that could not be given back as they came.
"""

from PIL import ExifTags
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ganvas.errors import FileError
from ganvas.image.decode import checked_facts, open_picture, reading
from ganvas.image.metadata import read_metadata
from ganvas.image.orientation import orientation, upright
from ganvas.image.photo import Photo, SourceFormat
from ganvas.image.provenance import read_mark
from ganvas.image.samples import stored_8, stored_16

_FORMATS: dict[str, SourceFormat] = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp", "TIFF": "tiff", "BMP": "bmp"}
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I;16B"})
_UNSIGNED = 1  # TIFF 6.0, SampleFormat
_PREMULTIPLIED = 1  # TIFF 6.0, ExtraSamples
_LOSSY_IN_TIFF = frozenset({"jpeg", "tiff_jpeg", "webp"})


def read_photo(data: bytes, name: str, *, keep_private: bool = False) -> Photo:
    """A photograph from the bytes of a PNG, JPEG, WebP, TIFF or BMP file.

    Palettes are expanded and bilevel becomes grey; YCbCr of a JPEG becomes RGB. What `keep_private` decides over is
    told in `ganvas.image.exif.kept`.

    Raises:
        FileError: as `ganvas.image.decode.decode`; and CMYK, Lab or YCbCr colours, and premultiplied alpha.
    """
    with reading(name):
        image = open_picture(data, name)
        turn = orientation(image)
        facts = checked_facts(image, name, turn)
        _refuse(image, name)
        lossy, palette = _is_lossy(image, data), image.mode in ("P", "PA")
        # Pillow turns TIFF itself
        stored_turn = image.tag_v2.get(ExifTags.Base.Orientation) if isinstance(image, TiffImageFile) else turn
        metadata = read_metadata(image, data, stored_turn, keep_private=keep_private)
        mark = read_mark(data, name)
        pixels = stored_16(image, open_picture(data, name)) if facts.bit_depth == 16 else stored_8(image)
        assert pixels is not None
        return Photo(
            pixels=pixels if turn == 1 else upright(pixels, turn),
            format=_FORMATS[facts.format],
            lossy=lossy,
            palette=palette,
            metadata=metadata,
            source_type=mark.source_type if mark is not None else None,
        )


def _refuse(image: ImageFile, name: str) -> None:
    if image.mode in ("CMYK", "LAB", "YCbCr"):
        raise FileError(f"The picture {name!r} has {image.mode} colours, which would not come back; convert it to RGB.")
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if image.mode in ("La", "RGBa") or _PREMULTIPLIED in tags.get(ExifTags.Base.ExtraSamples, ()):
        raise FileError(
            f"The picture {name!r} has colours multiplied by their alpha, which would not come back; save it with "
            "unassociated (straight) alpha."
        )
    if image.mode not in _MODES or set(tags.get(ExifTags.Base.SampleFormat, (_UNSIGNED,))) != {_UNSIGNED}:
        raise FileError(
            f"The picture {name!r} has samples of an unusual kind (mode {image.mode}); save it with unsigned whole "
            "numbers of 8 or 16 bits."
        )


def _is_lossy(image: ImageFile, data: bytes) -> bool:
    if isinstance(image, WebPImageFile):
        return _has_lossy_chunk(data)
    return isinstance(image, JpegImageFile) or image.info.get("compression") in _LOSSY_IN_TIFF


def _has_lossy_chunk(data: bytes) -> bool:
    """Whether a still WebP file (RIFF) has its pixels in a `VP8 ` chunk and not in a `VP8L` one."""
    position = 12
    while chunk := data[position : position + 8]:
        if chunk[:4] in (b"VP8 ", b"VP8L"):
            return chunk[:4] == b"VP8 "
        size = int.from_bytes(chunk[4:], "little")
        position += 8 + size + size % 2
    return False
