"""Chunks of a PNG file, found without decoding a pixel."""

from typing import IO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNK_BYTES = 1 << 20
_CRC_BYTES = 4


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
