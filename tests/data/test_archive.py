import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from ganvas.data.archive import TarArchive, ZipArchive
from ganvas.data.item import FREE_BYTES
from ganvas.data.source import open_source, probe_item, read_item
from ganvas.errors import DataError, FileError
from tests.data.pictures import encoded, noise, write_tar, write_zip

PNG = encoded(noise(0))


@pytest.fixture(params=["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(path: Path, kind: str, files: dict[str, bytes]) -> Path:
    if kind == "zip":
        return write_zip(path, files)
    return write_tar(path, files, "w:" + kind.partition(".")[2])


def test_reads_in_place_in_the_order_of_names(tmp_path: Path, kind: str) -> None:
    files = {name: encoded(noise(seed)) for seed, name in enumerate(["b/2.png", "a.png", "c/1.jpg"])}
    before = write(tmp_path / "x", kind, files)
    source = open_source(before)
    assert source.names == ("a.png", "b/2.png", "c/1.jpg")
    assert [read_item(source, row) for row in (2, 0, 1)] == [files[source.names[row]] for row in (2, 0, 1)]
    assert list(tmp_path.iterdir()) == [before]


def test_headers_are_read_by_seeking(tmp_path: Path, kind: str) -> None:
    tiff = encoded(noise(0, 40, 50), "TIFF")  # its directory may lie behind the pixels
    source = open_source(write(tmp_path / "x", kind, {"a.tif": tiff, "b.png": PNG}))
    assert probe_item(source, 0).width_px == 50  # type: ignore[arg-type]
    assert probe_item(source, 1).height_px == 12  # type: ignore[arg-type]


def test_the_folder_that_was_packed_is_left_out_of_names(tmp_path: Path, kind: str) -> None:
    files = {"set/train/cat/1.png": PNG, "set/train/dog/1.png": PNG, "set/train/labels.csv": b"x", "set/readme": b""}
    source = open_source(write(tmp_path / "x", kind, files))
    assert isinstance(source, ZipArchive | TarArchive)
    assert source.names == ("cat/1.png", "dog/1.png")
    assert source.open_table().read() == b"x"
    assert source.others == {"": 1}


def test_what_a_mac_adds_is_not_seen(tmp_path: Path, kind: str) -> None:
    files = {"a/x.png": PNG, "__MACOSX/a/._x.png": b"fork", "a/.DS_Store": b"", "a/y.png": PNG}
    assert open_source(write(tmp_path / "x", kind, files)).names == ("x.png", "y.png")


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png"])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    source = open_source(write(tmp_path / "x", kind, {name: PNG, "z.png": PNG}))
    evil = next(row for row, shown in enumerate(source.names) if "evil" in shown)
    with pytest.raises(FileError, match="points outside"):
        read_item(source, evil)
    assert read_item(source, 1 - evil) == PNG


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


def test_a_tar_that_is_a_bomb_is_refused_while_it_inflates(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x", {"a.png": bytes(FREE_BYTES + 1)}, "w:gz")
    with pytest.raises(DataError, match="which no pictures do"):
        open_source(path)


def test_a_member_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(FREE_BYTES + 1))
        archive.writestr("pad.bin", bytes(1 << 20), zipfile.ZIP_STORED)
    with pytest.raises(FileError, match="claims to unpack"):
        read_item(open_source(tmp_path / "x"), 0)


def test_a_size_that_is_a_lie_is_found_out(tmp_path: Path) -> None:
    """The directory says 100 bytes, the data inflate to more: no more than 100 are unpacked."""
    path = write_zip(tmp_path / "x", {"a.png": bytes(5_000_000)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 100)
    path.write_bytes(data)
    with pytest.raises(FileError, match="cannot be read"):
        read_item(open_source(path), 0)


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
    with pytest.raises(FileError, match="cannot be read"):
        read_item(open_source(path), 0)


def test_damaged_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"a.png": PNG})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"'a\.png' cannot be read"):
        read_item(open_source(path), 0)


@pytest.mark.parametrize("cut", [600, 5000])
def test_a_tar_that_is_cut_short(tmp_path: Path, cut: int) -> None:
    path = write_tar(tmp_path / "x", {f"{number}.png": encoded(noise(number, 30, 30)) for number in range(4)})
    path.write_bytes(path.read_bytes()[:cut])
    try:
        source = open_source(path)
    except DataError:
        return
    last = read_item(source, len(source.names) - 1)
    assert len(last) < cut


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_garbage_behind_a_good_start_is_a_data_error(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "x", kind, {"a.png": PNG})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"garbage" * 20)
    with pytest.raises(DataError, match="again"):
        open_source(path)


def test_a_member_without_a_name_is_no_picture(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x", {"q": b"", "b.png": PNG})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 46] = 0  # names end at a zero
    path.write_bytes(data)
    assert open_source(path).names == ("b.png",)


def test_links_in_a_tar_are_no_pictures(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x", "w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        member = tarfile.TarInfo("b.png")
        member.size = len(PNG)
        archive.addfile(member, io.BytesIO(PNG))
    assert open_source(tmp_path / "x").names == ("b.png",)
