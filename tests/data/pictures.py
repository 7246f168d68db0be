"""Pictures to test with, and ways to write many of them."""

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def noise(seed: int, height: int = 12, width: int = 16, channels: int = 3) -> NDArray[np.uint8]:
    """A picture unlike every other one, ``(H, W, C)``."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def scene(seed: int, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Something like a photograph: coloured blobs of many sizes, ``(H, W, 3)``."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cells in (2, 4, 8, 16, 32):
        coarse = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        total += np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)) / cells
    return np.asarray(255 * (total - total.min()) / np.ptp(total), np.uint8)


def encoded(array: NDArray[np.uint8] | NDArray[np.uint16], kind: str = "PNG", **options: int) -> bytes:
    """A picture file, written by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).save(buffer, kind, **options)
    return buffer.getvalue()


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    """The files below a folder, written an hour ago."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        backdate(path)
    return root


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return backdate(path)


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return backdate(path)


def write_npy(path: Path, array: NDArray[np.generic]) -> Path:
    np.save(path, array)
    return backdate(path)


def write_idx(path: Path, array: NDArray[np.uint8]) -> Path:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    path.write_bytes(header + array.tobytes())
    return backdate(path)


def backdate(path: Path, seconds: int = 3600) -> Path:
    """Pretend a file was written some time ago: the cache trusts no file of the last two seconds."""
    then = path.stat().st_mtime_ns - seconds * 10**9
    os.utime(path, ns=(then, then))
    return path
