"""Files that are compressed as a whole, told by their first bytes and never by their names."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

Inflater = Callable[[Path], io.BufferedIOBase]

INFLATERS: dict[bytes, Inflater] = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ": lzma.LZMAFile}
"""How to read a compressed file, by its first bytes. Each inflates no more than a read asks for."""


def inflater_of(path: Path) -> Inflater | None:
    """How to read a file that is compressed as a whole; None where it is not.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        start = stream.read(max(map(len, INFLATERS)))
    return next((inflater for magic, inflater in INFLATERS.items() if start.startswith(magic)), None)
