from io import BytesIO

from ganvas.image.png import MAX_CHUNK_BYTES, find_chunk
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
