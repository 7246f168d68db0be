import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from ganvas.data.item import FREE_BYTES
from ganvas.data.source import open_source, probe_item, read_item
from ganvas.data.zip import BLOCK_BYTES, ZipArchive
from ganvas.errors import DataError, FileError
from tests.data.pictures import encoded, noise, write_zip

PNG = encoded(noise(0))


def test_of_equal_names_the_last_counts(tmp_path: Path) -> None:
    other = encoded(noise(1))
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("a.png", PNG)
        archive.writestr("./a.png", other)
    source = open_source(tmp_path / "x")
    assert source.names == ("a.png",)
    assert read_item(source, 0) == other


def test_an_archive_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"a.png": bytes(FREE_BYTES + 1)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match="which no pictures do"):
        open_source(path)


def test_a_member_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(FREE_BYTES + 1))
        archive.writestr("pad.bin", bytes(1 << 20), zipfile.ZIP_STORED)
    with pytest.raises(FileError, match="claims to unpack"):
        read_item(open_source(tmp_path / "x"), 0)


@pytest.mark.parametrize("forged", [False, True], ids=["size", "size and checksum"])
def test_a_size_that_is_a_lie_fills_no_memory(tmp_path: Path, forged: bool) -> None:
    """The directory says 1000 bytes and the data inflate to 30 million: no reader holds more than a few blocks."""
    start = b"RIFF\xd0\x03\0\0WEBP"  # Pillow reads a WebP whole to see its header
    path = write_zip(tmp_path / "x", {"a.webp": start + bytes(30_000_000)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 1000)
    if forged:
        struct.pack_into("<I", data, entry + 16, zlib.crc32(start + bytes(1000 - len(start))))
    path.write_bytes(data)
    source = open_source(path)
    assert isinstance(source, ZipArchive)
    probe_item(open_source(write_zip(tmp_path / "y", {"a.png": PNG})), 0)  # type: ignore[arg-type]  # imports first
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match="damaged" if forged else "Bad CRC-32"):
            probe_item(source, 0)
        if forged:
            assert read_item(source, 0) == start + bytes(1000 - len(start))
        else:
            with pytest.raises(FileError, match="Bad CRC-32"):
                read_item(source, 0)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16 * BLOCK_BYTES


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_inflate_without_bounds_are_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w", method) as archive:
        archive.writestr("a.png", PNG)
    with pytest.raises(FileError, match=f"packed by method {method}; pack the zip with plain deflate"):
        read_item(open_source(tmp_path / "x"), 0)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_of_many_blocks_are_read_whole_and_in_parts(tmp_path: Path, method: int) -> None:
    whole = noise(0, 300, 400).tobytes() + bytes(4 * BLOCK_BYTES)
    with zipfile.ZipFile(tmp_path / "x", "w", method) as archive:
        archive.writestr("a.png", whole)
    source = open_source(tmp_path / "x")
    assert isinstance(source, ZipArchive)
    assert read_item(source, 0) == whole
    with source.open(0) as stream:
        assert stream.read(10) == whole[:10]
        assert stream.seek(-5, io.SEEK_END) == len(whole) - 5
        assert stream.read() == whole[-5:]
        stream.seek(3 * BLOCK_BYTES)
        assert stream.read(2 * BLOCK_BYTES) == whole[3 * BLOCK_BYTES : 5 * BLOCK_BYTES]


def test_a_byte_that_is_no_utf8_in_the_name_before_a_member(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"Käse.png": PNG, "z.png": PNG})
    data = bytearray(path.read_bytes())
    data[data.index("Käse".encode()) + 1] = 0xFF
    path.write_bytes(data)
    source = open_source(path)
    with pytest.raises(FileError, match=r"'Käse\.png' cannot be read"):
        read_item(source, 0)
    assert read_item(source, 1) == PNG


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"a.png": PNG})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.rindex(mark) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(FileError, match="encrypted"):
        read_item(open_source(path), 0)


def test_unknown_methods_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"a.png": PNG})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        struct.pack_into("<H", data, data.rindex(mark) + offset, 97)
    path.write_bytes(data)
    with pytest.raises(FileError, match="packed by method 97"):
        read_item(open_source(path), 0)


def test_damaged_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"a.png": PNG})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"'a\.png' cannot be read"):
        read_item(open_source(path), 0)


def test_a_member_without_a_name_is_no_picture(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"q": b"", "b.png": PNG})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 46] = 0  # names end at a zero
    path.write_bytes(data)
    assert open_source(path).names == ("b.png",)
