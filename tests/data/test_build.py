import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ganvas.data.build import building
from ganvas.data.cache import load
from ganvas.errors import FileError
from tests.data.pictures import noise

SHAPE = (4, 6, 3)
PICTURES = [noise(seed, *SHAPE) for seed in range(5)]


def leftovers(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name.startswith(".building"))


def test_what_is_published_can_be_loaded(tmp_path: Path) -> None:
    with building(tmp_path, 6, SHAPE) as build:
        for picture in PICTURES:
            build.add(picture)
        assert load(tmp_path, "key", 6, SHAPE) is None
        build.publish("key", [(3, "torn")])
    entry = load(tmp_path, "key", 6, SHAPE)
    assert entry is not None
    np.testing.assert_array_equal(entry.images, PICTURES)
    assert entry.unreadable == [(3, "torn")]
    assert sorted(path.name for path in (tmp_path / "key").iterdir()) == ["images.npy", "record.json"]
    assert not leftovers(tmp_path)


def test_the_file_is_a_plain_npy_that_cannot_be_written_through(tmp_path: Path) -> None:
    with building(tmp_path, 10**9 // 72, SHAPE) as build:  # the header has to shrink
        build.add(PICTURES[0])
        build.publish("key", [])
    np.testing.assert_array_equal(np.load(tmp_path / "key" / "images.npy"), PICTURES[:1])
    entry = load(tmp_path, "key", 1, SHAPE)
    assert entry is not None
    assert not entry.images.flags.writeable


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_nothing_behind(tmp_path: Path, error: type[BaseException]) -> None:
    def stopped() -> None:
        with building(tmp_path, 5, SHAPE) as build:
            build.add(PICTURES[0])
            assert len(leftovers(tmp_path)) == 1
            raise error

    with pytest.raises(error):
        stopped()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_the_loser_of_a_race_gives_way(tmp_path: Path) -> None:
    with building(tmp_path, 5, SHAPE) as slow, building(tmp_path, 5, SHAPE) as fast:
        assert len(leftovers(tmp_path)) == 2  # a living build is not swept away
        fast.add(PICTURES[0])
        fast.publish("key", [])
        slow.add(PICTURES[1])
        slow.publish("key", [])
    entry = load(tmp_path, "key", 1, SHAPE)
    assert entry is not None
    np.testing.assert_array_equal(entry.images[0], PICTURES[0])
    assert not leftovers(tmp_path)


def test_what_a_killed_build_left_is_swept_away(tmp_path: Path) -> None:
    for name in (".building-a", ".building-b"):
        (tmp_path / name).mkdir()
    (tmp_path / ".building-a" / "lock").touch()
    (tmp_path / ".building-a" / "images.npy").write_bytes(b"half")
    with building(tmp_path, 5, SHAPE):
        assert len(leftovers(tmp_path)) == 1


def test_too_little_room_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * 4 * 6 * 3 - 1))
    with pytest.raises(FileError, match=r"need 0\.0 GB.*set GANVAS_CACHE"), building(tmp_path, 5, SHAPE):
        pass
    assert not leftovers(tmp_path)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with building(tmp_path, 5, SHAPE) as build:
        build.add(PICTURES[0])
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left"):
            build.publish("key", [])
    assert not (tmp_path / "key").exists()


def test_a_cache_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be written"), building(tmp_path / "file", 5, SHAPE):
        pass


def test_the_record_is_json(tmp_path: Path) -> None:
    with building(tmp_path, 5, SHAPE) as build:
        build.publish("key", [(0, "a\udcffb")])
    assert json.loads((tmp_path / "key" / "record.json").read_text()) == {"unreadable": [[0, "a\udcffb"]]}


def test_pictures_that_became_several_are_counted(tmp_path: Path) -> None:
    with building(tmp_path, 9, SHAPE) as build:
        for picture in PICTURES:
            build.add(picture)
        build.publish("key", [(1, "torn")], [2, 0, 3])
    entry = load(tmp_path, "key", 3, SHAPE)
    assert entry is not None
    assert (entry.counts, entry.unreadable, len(entry.images)) == ([2, 0, 3], [(1, "torn")], 5)
    with pytest.raises(FileError, match="damaged"):
        load(tmp_path, "key", 4, SHAPE)


def test_one_picture_each_needs_no_counts(tmp_path: Path) -> None:
    with building(tmp_path, 6, SHAPE) as build:
        for picture in PICTURES:
            build.add(picture)
        build.publish("key", [(3, "torn")])
    entry = load(tmp_path, "key", 6, SHAPE)
    assert entry is not None
    assert entry.counts == [1, 1, 1, 0, 1, 1]
