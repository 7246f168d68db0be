import struct
from io import BytesIO

import pytest

from ganvas.image.png import MAX_CHUNK_BYTES, colour_chunks, find_chunk, mean_srgb
from tests.image.handmade import PNG_SIGNATURE, chunk

FILE = PNG_SIGNATURE + b"".join(
    [chunk(b"tEXt", b"a\0one"), chunk(b"iTXt", b"a\0two"), chunk(b"iTXt", b"b\0three"), chunk(b"IEND", b"")]
)


def test_chunk_by_kind_and_beginning() -> None:
    assert find_chunk(BytesIO(FILE), b"tEXt") == b"a\0one"
    assert find_chunk(BytesIO(FILE), b"iTXt") == b"a\0two"
    assert find_chunk(BytesIO(FILE), b"iTXt", b"b\0") == b"b\0three"
    assert find_chunk(BytesIO(FILE), b"iTXt", b"c\0") is None
    assert find_chunk(BytesIO(FILE), b"eXIf") is None


def test_length_is_not_trusted() -> None:
    lie = PNG_SIGNATURE + b"\xff\xff\xff\xffiTXtshort"
    assert find_chunk(BytesIO(lie), b"iTXt") == b"short"
    assert find_chunk(BytesIO(lie), b"eXIf") is None
    assert find_chunk(BytesIO(FILE[:-20]), b"IEND") is None


def test_huge_chunk_is_cut_off() -> None:
    huge = PNG_SIGNATURE + chunk(b"iTXt", bytes(MAX_CHUNK_BYTES + 1)) + chunk(b"eXIf", b"behind")
    assert find_chunk(BytesIO(huge), b"iTXt") == bytes(MAX_CHUNK_BYTES)
    assert find_chunk(BytesIO(huge), b"eXIf") == b"behind"


GAMMA, POINTS = (
    struct.pack(">I", 45_454),
    struct.pack(">8I", 31_269, 32_899, 63_999, 33_001, 30_000, 60_000, 15_000, 5_999),
)


def test_chunks_on_colours_in_front_of_the_pixels() -> None:
    kinds = [(b"gAMA", GAMMA), (b"tIME", b"1234567"), (b"cHRM", POINTS), (b"gAMA", b"2222"), (b"sRGB", b"long")]
    front = PNG_SIGNATURE + b"".join(chunk(kind, data) for kind, data in kinds)
    whole = front + chunk(b"IDAT", b"") + chunk(b"cICP", b"\1\2\3\4")
    assert colour_chunks(BytesIO(whole)) == ((b"gAMA", GAMMA), (b"cHRM", POINTS))
    assert colour_chunks(BytesIO(front[:40])) == ((b"gAMA", GAMMA),)
    assert colour_chunks(BytesIO(PNG_SIGNATURE + b"\0\0\0\4gAMA12")) == ()


@pytest.mark.parametrize(
    ("chunks", "srgb"),
    [
        ({}, True),
        ({b"gAMA": GAMMA}, True),
        ({b"gAMA": GAMMA, b"cHRM": POINTS}, True),
        ({b"gAMA": struct.pack(">I", 100_000)}, False),
        ({b"cHRM": struct.pack(">I", 34_000) + POINTS[4:]}, False),
        ({b"sRGB": b"\0", b"gAMA": struct.pack(">I", 100_000)}, True),
        ({b"cICP": b"\x09\x10\0\1", b"sRGB": b"\0"}, False),
        ({b"cICP": b"\x01\x0d\0\1"}, True),
    ],
)
def test_which_of_them_mean_srgb(chunks: dict[bytes, bytes], srgb: bool) -> None:
    assert mean_srgb(tuple(chunks.items())) == srgb
