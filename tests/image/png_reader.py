"""A PNG reader written from the specification (W3C PNG, 3rd edition), for the 16-bit colour Pillow cuts short."""

import struct
import zlib

import numpy as np

from tests.image.handmade import PNG_SIGNATURE

CHANNELS = {0: 1, 4: 2, 2: 3, 6: 4}


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and data of every chunk in order, each with its length and checksum put to the proof."""
    assert data.startswith(PNG_SIGNATURE)
    found, position = [], len(PNG_SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        assert len(body) == length
        assert struct.unpack_from(">I", data, position + 8 + length)[0] == zlib.crc32(kind + body)
        found.append((kind, body))
        position += 12 + length
    assert [kind for kind, _ in found].count(b"IEND") == 1
    assert found[-1] == (b"IEND", b"")
    return found


def read_png(data: bytes) -> np.ndarray:
    """Pixels of a PNG of 8 or 16 bits without palette, ``(H, W, C)``; all of its filters, byte after byte."""
    chunks = chunks_of(data)
    width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert chunks[0][0] == b"IHDR"
    assert rest == [0, 0, 0]
    step, wide = CHANNELS[colour] * bits // 8, CHANNELS[colour] * bits // 8 * width
    stream = zlib.decompressobj()
    raw = stream.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    assert stream.eof
    assert not stream.unused_data
    assert len(raw) == height * (1 + wide)
    above, rows = bytearray(wide), []
    for top in range(0, len(raw), 1 + wide):
        row = bytearray(raw[top + 1 : top + 1 + wide])
        for x in range(wide):
            left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
            row[x] = (row[x] + predicted(raw[top], left, above[x], corner)) % 256
        rows.append(row)
        above = row
    pixels = np.frombuffer(b"".join(rows), ">u2" if bits == 16 else np.uint8)
    return pixels.reshape(height, width, CHANNELS[colour]).astype(np.uint16 if bits == 16 else np.uint8)


def predicted(filter: int, left: int, up: int, corner: int) -> int:
    if filter < 4:
        return (0, left, up, (left + up) // 2)[filter]
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
