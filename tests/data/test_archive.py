import random
from contextlib import suppress
from pathlib import Path

import pytest

from ganvas.data.labels import read_labels
from ganvas.data.source import open_source, probe_item, read_item
from ganvas.data.tar import TarArchive
from ganvas.data.zip import ZipArchive
from ganvas.errors import DataError, FileError, GanvasError
from tests.data.pictures import encoded, noise, write_folder, write_tar, write_zip

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


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_garbage_behind_a_good_start_is_a_data_error(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "x", kind, {"a.png": PNG})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"garbage" * 20)
    with pytest.raises(DataError, match="again"):
        open_source(path)


def test_labels_above_the_folder_of_the_pictures_are_found(tmp_path: Path, kind: str) -> None:
    table = b"file,class\nimages/1.png,cat\nimages/2.png,dog\n"
    files = {"images/1.png": PNG, "images/2.png": PNG, "labels.csv": table}
    folder, bare = (
        read_labels(open_source(path))
        for path in (write_folder(tmp_path / "set", files), write(tmp_path / "bare", kind, files))
    )
    packed = read_labels(open_source(write(tmp_path / "x", kind, {f"set/{name}": files[name] for name in files})))
    assert folder.names == bare.names == packed.names == ("cat", "dog")
    assert folder.values.tolist() == bare.values.tolist() == packed.values.tolist() == [0, 1]


def signed(data: bytearray) -> bytearray:
    """A tar whose headers have the right checksums, so that what else is wrong with them is looked at."""
    for start in range(0, len(data), 512):
        if data[start + 257 : start + 262] == b"ustar":
            data[start + 148 : start + 156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    return data


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_any_bytes_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    """A changed archive ends in sentences; never in another exception, nor without an end."""
    chance = random.Random(0)
    files = {"set/Käse/1.png": PNG, "set/日本/2.webp": encoded(noise(1, 4, 4), "WEBP"), "set/labels.csv": b"file,class"}
    path = write(tmp_path / "x", kind, files)
    whole = path.read_bytes()
    headers = [at for at in range(len(whole)) if whole[max(0, at - 200) : at + 1].find(b"set/") >= 0]
    refused, unreadable, read = 0, 0, 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            at = chance.choice(headers) if chance.random() < 0.7 else chance.randrange(len(data))
            data[at] = chance.choice([0, 0xFF, chance.randrange(256), data[at] ^ 1 << chance.randrange(8)])
        path.write_bytes(signed(data) if kind == "tar" and chance.random() < 0.8 else data)
        try:
            source = open_source(path)
        except DataError:
            refused += 1
            continue
        for row in range(len(source.names)):
            try:
                read_item(source, row)
                probe_item(source, row)  # type: ignore[arg-type]
                read += 1
            except FileError:
                unreadable += 1
        with suppress(GanvasError):
            read_labels(source)
    assert min(refused, read) > 10
    assert unreadable
