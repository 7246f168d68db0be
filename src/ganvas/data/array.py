"""Pictures in one array: an idx file (as MNIST comes) or a ``.npy``."""

import lzma
import struct
import zlib
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ganvas.data.inflate import inflater_of
from ganvas.data.item import is_bomb
from ganvas.errors import DataError

IDX_UINT8 = b"\x00\x00\x08"
"""The first three bytes of an idx file of unsigned bytes; the fourth is the number of dimensions."""


@final
class ArrayFile:
    """Pictures that are already decoded and all of one size.

    Attributes:
        path: The file.
        kind: ``"idx"`` or ``"npy"``.
        pictures: uint8 ``(N, H, W, C)``, mapped from the disk where the file is not compressed.
        names: The number of each picture, padded with zeros so that names sort as numbers do.
    """

    def __init__(self, path: Path, kind: str):
        self.path = path
        self.kind = kind
        array = read_idx(path) if kind == "idx" else read_npy(path)
        self.pictures = _as_pictures(path, array)
        digits = len(str(len(array) - 1))
        self.names = tuple(f"{number:0{digits}d}" for number in range(len(array)))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array in an idx file of unsigned bytes, plain or compressed (format: yann.lecun.com/exdb/mnist).

    Raises:
        DataError: It is damaged, or holds no unsigned bytes.
    """
    try:
        packed = inflater_of(path)
        with packed(path) if packed else path.open("rb") as stream:
            start = stream.read(4)
            if start[:3] != IDX_UINT8 or start[3:] not in (b"\1", b"\2", b"\3", b"\4"):
                raise DataError(f"'{path}' is not an idx file of unsigned bytes; save it as .npy instead.")
            shape = struct.unpack(f">{start[3]}I", stream.read(4 * start[3]))
            size_bytes = int(np.prod(shape, dtype=object))
            if packed and is_bomb(path.stat().st_size, size_bytes):
                raise DataError(f"'{path}' claims to unpack to {size_bytes} bytes; get it again.")
            offset = 4 + 4 * start[3]
            if not packed and path.stat().st_size - offset == size_bytes > 0:
                return np.memmap(path, np.uint8, "r", offset, shape)
            data = stream.read(size_bytes + 1) if packed else b""
    except (OSError, EOFError, zlib.error, lzma.LZMAError, struct.error) as error:
        raise DataError(f"'{path}' cannot be read as an idx file ({error}); get it again.") from error
    if len(data) != size_bytes or not size_bytes:
        raise DataError(f"'{path}' does not hold the {size_bytes} bytes its header promises; get it again.")
    return np.frombuffer(data, np.uint8).reshape(shape)


def read_npy(path: Path) -> "np.memmap[Any, np.dtype[Any]]":
    """The array in a ``.npy`` file, mapped from the disk; arrays of Python objects are refused.

    Raises:
        DataError: It is damaged or holds objects.
    """
    try:
        array: np.memmap[Any, np.dtype[Any]] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a hostile header makes NumPy's parser raise whatever Python's own one does
        raise DataError(
            f"'{path}' cannot be read as a plain .npy array ({error}); save it again with numpy.save."
        ) from error
    return array


def _as_pictures(path: Path, array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8:
        raise DataError(
            f"'{path}' holds {array.dtype}, but pictures must be uint8 from 0 to 255; "
            "convert them, as by (pictures * 255).round().astype('uint8') for values from 0 to 1."
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4) or 0 in array.shape:
        raise DataError(
            f"'{path}' has the shape {array.shape}, but pictures must be (N, H, W) or (N, H, W, C) with 1, 3 "
            "or 4 channels; move channels that come first, as by pictures.transpose(0, 2, 3, 1)."
        )
    return array  # type: ignore[return-value]
