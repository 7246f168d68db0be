"""Cut the demo's pictures out of Fashion-MNIST: the first 1,200 training pictures of each class, in order.

    python demo/make_bundle.py train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz

Prints the SHA-256 of what it wrote, unpacked (the packed bytes depend on the version of zlib); demo/README.md
states what they must be.
"""

import gzip
import hashlib
import struct
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PER_CLASS = 1200
CLASS_NAMES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Bytes of an idx file (http://yann.lecun.com/exdb/mnist) in their shape."""
    content = gzip.decompress(path.read_bytes())
    kind, dimensions = content[2], content[3]
    if content[:2] != b"\0\0" or kind != 8:
        raise SystemExit(f"{path} is not an idx file of bytes.")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """The inverse of `read_idx`; no time or name goes into the gzip header."""
    header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(header + values.tobytes())


def main(images_path: Path, labels_path: Path) -> None:
    """Write the bundle beside this script."""
    images, labels = read_idx(images_path), read_idx(labels_path)
    kept = np.sort(np.concatenate([np.flatnonzero(labels == c)[:PER_CLASS] for c in range(len(CLASS_NAMES))]))
    folder = Path(__file__).parent / "fashion-mnist"
    folder.mkdir(exist_ok=True)
    write_idx(folder / "train-images-idx3-ubyte.gz", images[kept])
    write_idx(folder / "train-labels-idx1-ubyte.gz", labels[kept])
    (folder / "label-names.txt").write_bytes("".join(f"{name}\n" for name in CLASS_NAMES).encode())
    for path in sorted(folder.glob("*.gz")):
        sys.stdout.write(f"{hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()}  {path.stem}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
