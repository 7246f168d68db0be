import os
import time
from pathlib import Path

import numpy as np
import pytest

from ganvas.data import source as source_module
from ganvas.data.source import digest_of, listing_of, open_source, probe_item, read_item
from ganvas.errors import DataError, FileError
from tests.data.pictures import backdate, encoded, noise, write_folder, write_npy, write_tar, write_zip

PNG = encoded(noise(0))


def test_what_a_file_holds_is_told_by_its_bytes(tmp_path: Path) -> None:
    assert open_source(write_zip(tmp_path / "a.tar", {"x.png": PNG})).kind == "zip"
    assert open_source(write_tar(tmp_path / "b.zip", {"x.png": PNG})).kind == "tar"
    assert open_source(write_tar(tmp_path / "c.data", {"x.png": PNG}, "w:gz")).kind == "tar"
    assert open_source(tmp_path / "c.data").names == ("x.png",)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing at"):
        open_source(tmp_path / "gone")


def test_a_single_picture(tmp_path: Path) -> None:
    write_folder(tmp_path, {"x.png": PNG})
    with pytest.raises(DataError, match="single picture; give the folder"):
        open_source(tmp_path / "x.png")


def test_another_file(tmp_path: Path) -> None:
    write_folder(tmp_path, {"x.txt": b"hello", "empty": b""})
    for name in ("x.txt", "empty"):
        with pytest.raises(DataError, match="is not a folder, zip, tar, idx or"):
            open_source(tmp_path / name)


def test_no_pictures_but_other_files(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.heic": b"", "b.heic": b"", "c.txt": b""})
    with pytest.raises(
        DataError, match=r"no pictures in .*, only other files \(2 \.heic, 1 \.txt\); ganvas reads .*png"
    ):
        open_source(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no pictures in '[^']*'; ganvas reads"):
        open_source(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    with pytest.raises(DataError, match="see that you may read it"):
        open_source(tmp_path)


def test_an_absurdly_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MAX_ITEM_BYTES", len(PNG) - 1)
    source = open_source(write_folder(tmp_path, {"x.png": PNG}))
    with pytest.raises(FileError, match=f"has {len(PNG)} bytes"):
        read_item(source, 0)


def test_a_header_that_is_none(tmp_path: Path) -> None:
    source = open_source(write_folder(tmp_path, {"x.png": b"no picture"}))
    with pytest.raises(FileError, match=r"x\.png"):
        probe_item(source, 0)  # type: ignore[arg-type]


def test_a_picture_and_its_array_have_digests_of_their_bytes() -> None:
    array = noise(0)
    assert digest_of(array) == digest_of(array.tobytes())
    assert digest_of(PNG) != digest_of(PNG[:-1])


def test_a_listing_changes_with_name_size_time_and_place(tmp_path: Path) -> None:
    def listing() -> str | None:
        return listing_of(open_source(tmp_path / "a"))

    write_folder(tmp_path / "a", {"x.png": b"1", "y.png": b"2"})
    seen = [listing()]
    assert listing() == seen[0]
    (tmp_path / "a" / "x.png").rename(tmp_path / "a" / "z.png")
    seen.append(listing())
    write_folder(tmp_path / "a", {"y.png": b"23"})
    seen.append(listing())
    backdate(tmp_path / "a" / "y.png", 1)
    seen.append(listing())
    (tmp_path / "a").rename(tmp_path / "b")
    seen.append(listing_of(open_source(tmp_path / "b")))
    assert None not in seen
    assert len(set(seen)) == 5


def test_a_file_of_this_moment_gives_no_listing(tmp_path: Path) -> None:
    write_folder(tmp_path, {"x.png": b"1", "y.png": b"2"})
    os.utime(tmp_path / "y.png", ns=(time.time_ns(), time.time_ns()))
    assert listing_of(open_source(tmp_path)) is None


def test_an_array_is_listed_by_its_file(tmp_path: Path) -> None:
    path = write_npy(tmp_path / "x.npy", noise(0)[None])
    first = listing_of(open_source(path))
    backdate(path, 1)
    assert first not in (None, listing_of(open_source(path)))


def test_a_folder_around_one_array_is_that_array(tmp_path: Path) -> None:
    array = write_npy(tmp_path / "faces.npy", np.zeros((4, 8, 8, 3), np.uint8))
    write_npy(tmp_path / "faces.labels.npy", np.zeros(4, np.int64))
    source = open_source(tmp_path)
    assert (source.kind, source.path) == ("npy", array)
    write_npy(tmp_path / "more.npy", np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match="no pictures"):
        open_source(tmp_path)  # which one is meant cannot be told
