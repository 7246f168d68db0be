"""Chunks of a PNG file, found without decoding a pixel."""

import struct
from typing import IO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNK_BYTES = 1 << 20
_CRC_BYTES = 4


COLOUR_CHUNK_BYTES = {b"cICP": 4, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"mDCV": 24, b"cLLI": 8}
"""The chunks that say how numbers are to be shown, besides an ICC profile, and how long each is."""
_SRGB_GAMMA, _SRGB_POINTS = 45_455, (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_NEARLY = 500  # of 100,000: writers round
_SRGB_CODES = b"\1\x0d"  # ITU-T H.273: primaries and transfer of sRGB

ColourChunks = tuple[tuple[bytes, bytes], ...]


def colour_chunks(stream: IO[bytes]) -> ColourChunks:
    """Kind and data of each of `COLOUR_CHUNK_BYTES` in front of the pixels, the first of a kind."""
    stream.seek(len(SIGNATURE))
    found: dict[bytes, bytes] = {}
    while len(head := stream.read(8)) == 8 and head[4:] != b"IDAT":
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        behind = stream.tell() + length + _CRC_BYTES
        if COLOUR_CHUNK_BYTES.get(kind) == length:
            found.setdefault(kind, stream.read(length))
        stream.seek(behind)
    return tuple((kind, data) for kind, data in found.items() if len(data) == COLOUR_CHUNK_BYTES[kind])


def mean_srgb(chunks: ColourChunks) -> bool:
    """Whether a reader that passes such chunks over, and takes numbers for sRGB, shows the same picture."""
    found = dict(chunks)
    if b"cICP" in found:
        return found[b"cICP"].startswith(_SRGB_CODES)
    if b"sRGB" in found:
        return True
    gamma = struct.unpack(">I", found.get(b"gAMA", struct.pack(">I", _SRGB_GAMMA)))
    points = struct.unpack(">8I", found.get(b"cHRM", struct.pack(">8I", *_SRGB_POINTS)))
    wanted = (_SRGB_GAMMA, *_SRGB_POINTS)
    return all(abs(value - usual) <= _NEARLY for value, usual in zip((*gamma, *points), wanted, strict=True))


def find_chunk(stream: IO[bytes], kind: bytes, start: bytes = b"") -> bytes | None:
    """The first chunk of a kind whose data begin with `start`, cut off at `MAX_CHUNK_BYTES`; or None."""
    stream.seek(len(SIGNATURE))
    while len(head := stream.read(8)) == 8:
        length = int.from_bytes(head[:4], "big")
        behind = stream.tell() + length + _CRC_BYTES
        if head[4:] == kind:
            data = stream.read(min(length, MAX_CHUNK_BYTES))
            if data.startswith(start):
                return data
        stream.seek(behind)
    return None
