"""Picture files written byte by byte from their specifications, for what Pillow cannot write itself."""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def noise(*shape: int, seed: int = 0, dtype: type[np.unsignedinteger[Any]] = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def picture(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, bits: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))


def png16(array: np.ndarray, before: bytes = b"", after: bytes = b"") -> bytes:
    """A 16-bit PNG (W3C PNG, 3rd edition) of 1 to 4 channels that uses all five row filters in turn."""
    height, width, channels = array.shape
    step = 2 * channels
    raw = np.zeros((height + 1, step * (width + 1)), dtype=np.int64)  # a row above, a pixel on the left
    raw[1:, step:] = array.astype(">u2").reshape(height, -1).view(np.uint8)
    body, left, up, corner = raw[1:, step:], raw[1:, :-step], raw[:-1, step:], raw[:-1, :-step]
    guess = left + up - corner
    far = np.stack([abs(guess - left), abs(guess - up), abs(guess - corner)])
    paeth = np.choose(far.argmin(axis=0), [left, up, corner])
    predictions = [np.zeros_like(left), left, up, (left + up) // 2, paeth]
    rows = b"".join(
        bytes([y % 5]) + ((body[y] - predictions[y % 5][y]) % 256).astype(np.uint8).tobytes() for y in range(height)
    )
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return PNG_SIGNATURE + header(width, height, 16, colour) + before + pixels + after + chunk(b"IEND", b"")


def tiff(
    array: np.ndarray,
    photometric: int,
    order: Literal["<", ">"] = "<",
    deflate: bool = False,
    extra: int | None = None,
    sample_format: int = 1,
    planar: bool = False,
    orientation: int = 1,
) -> bytes:
    """A TIFF 6.0 file of one strip a row, in either byte order."""
    height, width, channels = array.shape
    planes = np.moveaxis(array, 2, 0)[..., None] if planar else array[None]
    rows = [row.astype(array.dtype.newbyteorder(order)).tobytes() for plane in planes for row in plane]
    strips = [zlib.compress(row) if deflate else row for row in rows]
    offsets = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    tags: list[tuple[int, str, Sequence[int]]] = [
        (256, "H", [width]),
        (257, "H", [height]),
        (258, "H", [array.dtype.itemsize * 8] * channels),
        (259, "H", [8 if deflate else 1]),
        (262, "H", [photometric]),
        (273, "I", offsets),
        (274, "H", [orientation]),
        (277, "H", [channels]),
        (278, "H", [1]),
        (279, "I", [len(strip) for strip in strips]),
        (284, "H", [2 if planar else 1]),
        *([(338, "H", [extra])] if extra is not None else []),
        (339, "H", [sample_format] * channels),
    ]
    data = b"".join(strips)
    data += b"\0" * (len(data) % 2)
    values, entries = b"", b""
    base = 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, kind, numbers in tags:
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        entries += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(numbers))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", base + len(values))
            values += packed + b"\0" * (len(packed) % 2)
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + values


def icc(space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC.1 version 2 profile: header, tag table, data."""
    tags = {b"desc": _description(), b"cprt": b"text\0\0\0\0none\0", **tags}
    table, data, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, offset + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    body = struct.pack(">I", len(tags)) + table + data
    device = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"\0" * 4, 0x02400000, device, space, pcs)
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + b"\0" * 28
    head += _fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + body


def rgb_profile(*columns: tuple[float, float, float], gamma: float = 2.2, table: Sequence[int] | None = None) -> bytes:
    """A matrix profile: the XYZ (D50) of full red, green and blue, and one gamma or table of 16-bit light."""
    points = [round(gamma * 256)] if table is None else table
    curve = b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points) + b"\0\0"
    tags = {b"wtpt": b"XYZ \0\0\0\0" + _fixed(0.9642, 1.0, 0.8249)}
    for name, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(*column)
        tags[name + b"TRC"] = curve
    return icc(b"RGB ", b"XYZ ", tags)


def constant_cmyk_profile(lab: tuple[int, int, int]) -> bytes:
    """A CMYK profile (lut8Type) in which every ink mixture is the one colour."""
    identity = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += identity * 4 + bytes(lab) * 16 + identity * 3
    return icc(b"CMYK", b"Lab ", {b"wtpt": b"XYZ \0\0\0\0" + _fixed(0.9642, 1.0, 0.8249), b"A2B0": lut})


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _description() -> bytes:
    text = b"handmade\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78
