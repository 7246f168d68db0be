import bz2
import gzip
import lzma
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganvas.data.array import ArrayFile, read_idx
from ganvas.data.source import open_source, read_item
from ganvas.errors import DataError
from tests.data.pictures import noise, write_idx, write_npy

PICTURES = np.stack([noise(seed, 5, 7, 3) for seed in range(11)])


def opened(path: Path) -> ArrayFile:
    source = open_source(path)
    assert isinstance(source, ArrayFile)
    return source


@pytest.mark.parametrize("header", [b"{'descr': 5", b"\0", b"\x82", b"{" * 50, b"[]", b"{'shape': -1}"])
def test_npy_headers_that_are_none(tmp_path: Path, header: bytes) -> None:
    path = write_npy(tmp_path / "x.npy", PICTURES)
    data = path.read_bytes()
    path.write_bytes(data[:10] + header + data[10 + len(header) :])
    with pytest.raises(DataError, match=r"plain \.npy"):
        open_source(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("pictures", [PICTURES, PICTURES[..., 0]], ids=["colour", "grey"])
def test_idx(tmp_path: Path, packed: bool, pictures: np.ndarray) -> None:
    path = write_idx(tmp_path / "x-images-idx3-ubyte", pictures)
    if packed:
        path = tmp_path / "x-images-idx3-ubyte.gz"
        path.write_bytes(gzip.compress((tmp_path / "x-images-idx3-ubyte").read_bytes()))
    source = opened(path)
    assert source.kind == "idx"
    assert source.pictures.shape == (11, 5, 7, pictures.shape[3] if pictures.ndim == 4 else 1)
    np.testing.assert_array_equal(source.pictures.reshape(pictures.shape), pictures)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
@pytest.mark.parametrize("name", ["x-images-idx3-ubyte", "x-images-idx3-ubyte.gz"])
def test_whether_an_idx_is_compressed_is_told_by_its_bytes(
    tmp_path: Path, compress: Callable[[bytes], bytes], name: str
) -> None:
    plain = write_idx(tmp_path / "plain", PICTURES).read_bytes()
    (tmp_path / name).write_bytes(compress(plain))
    np.testing.assert_array_equal(opened(tmp_path / name).pictures, PICTURES)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_idx_that_is_cut_short(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    data = compress(write_idx(tmp_path / "plain", PICTURES).read_bytes())
    for keep in (10, len(data) // 2, len(data) - 1):
        (tmp_path / "x").write_bytes(data[:keep])
        with pytest.raises(DataError, match="again"):
            read_idx(tmp_path / "x")


def test_npy_is_mapped(tmp_path: Path) -> None:
    source = opened(write_npy(tmp_path / "x.npy", PICTURES))
    assert isinstance(source.pictures, np.memmap)
    np.testing.assert_array_equal(source.pictures, PICTURES)


def test_names_sort_as_numbers_do(tmp_path: Path) -> None:
    source = opened(write_npy(tmp_path / "x.npy", PICTURES))
    assert source.names[:3] == ("00", "01", "02")
    assert list(source.names) == sorted(source.names)


def test_one_picture_of_an_array_in_any_order_of_memory(tmp_path: Path) -> None:
    source = opened(write_npy(tmp_path / "x.npy", np.asfortranarray(PICTURES)))
    row = read_item(source, 4)
    assert isinstance(row, np.ndarray)
    assert row.flags.c_contiguous
    np.testing.assert_array_equal(row, PICTURES[4])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (PICTURES / np.float32(255), r"holds float32.*\* 255"),
        (PICTURES.astype(np.uint16), "holds uint16"),
        (PICTURES.transpose(0, 3, 1, 2), r"transpose\(0, 2, 3, 1\)"),
        (PICTURES[..., :2], "1, 3 or 4 channels"),
        (PICTURES[0, 0], "shape"),
        (PICTURES[:0], "shape"),
        (np.uint8(3), "shape"),
    ],
)
def test_other_arrays_are_refused_with_the_way_out(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_source(write_npy(tmp_path / "x.npy", array))


class Trap:
    """What a hostile .npy would run."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("sprung"),))


def test_pickles_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"plain \.npy"):
        open_source(tmp_path / "x.npy")
    assert not Path("sprung").exists()
    pickle.loads(pickle.dumps(Trap()))
    assert Path("sprung").exists()  # the trap works, so its silence above means something


@pytest.mark.parametrize("keep", [9, 60, 200])
def test_a_cut_npy_is_refused(tmp_path: Path, keep: int) -> None:
    path = write_npy(tmp_path / "x.npy", PICTURES)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError):
        open_source(path)


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("packed", [False, True])
def test_an_idx_of_another_length_than_its_header_says_is_refused(tmp_path: Path, change: int, packed: bool) -> None:
    data = write_idx(tmp_path / "x", PICTURES).read_bytes()
    data = data[:change] if change < 0 else data + b"x"
    path = tmp_path / ("y.gz" if packed else "y")
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match="its header promises"):
        read_idx(path)


@pytest.mark.parametrize(
    "start", [b"", b"\0\0", b"\0\0\x0d\x03", b"\0\0\x08\x00", b"\0\0\x08\xff", b"\0\0\x08\x03\0\0"]
)
def test_idx_headers_that_are_none(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "x").write_bytes(start)
    with pytest.raises(DataError, match="idx"):
        read_idx(tmp_path / "x")


def test_an_idx_bomb_is_refused_before_it_inflates(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**15, 2**15)))
    with pytest.raises(DataError, match="claims to unpack"):
        read_idx(path)
