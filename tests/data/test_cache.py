import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from ganvas.data import cache
from ganvas.data.build import building
from ganvas.errors import FileError

SHAPE = (4, 6, 3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with building(tmp_path, 5, SHAPE) as build:
        for _ in range(4):
            build.add(np.zeros(SHAPE, np.uint8))
        build.publish("form-content", [(2, "torn")])
    return tmp_path


def test_an_entry_is_found_by_its_form(root: Path) -> None:
    assert cache.has_form(root, "form")
    assert not cache.has_form(root, "for")
    assert not cache.has_form(root / "nowhere", "form")


def test_no_entry(root: Path) -> None:
    assert cache.load(root, "other", 5, SHAPE) is None


def cut(folder: Path) -> None:
    data = (folder / "images.npy").read_bytes()
    (folder / "images.npy").write_bytes(data[:-1])


def lengthen(folder: Path) -> None:
    with (folder / "images.npy").open("ab") as file:
        file.write(b"x")


def empty(folder: Path) -> None:
    (folder / "images.npy").write_bytes(b"")


def garble_header(folder: Path) -> None:
    data = (folder / "images.npy").read_bytes()
    (folder / "images.npy").write_bytes(data[:30] + b"{{" + data[32:])


def lose_images(folder: Path) -> None:
    (folder / "images.npy").unlink()


def lose_record(folder: Path) -> None:
    (folder / "record.json").unlink()


def garble_record(folder: Path) -> None:
    (folder / "record.json").write_text("{")


def change_record(folder: Path) -> None:
    (folder / "record.json").write_text(json.dumps({"unreadable": []}))


def change_record_kind(folder: Path) -> None:
    (folder / "record.json").write_text("[]")


def change_type(folder: Path) -> None:
    np.save(folder / "images.npy", np.zeros((4, *SHAPE), np.float32))


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lengthen,
        garble_header,
        empty,
        lose_images,
        lose_record,
        garble_record,
        change_record,
        change_record_kind,
        change_type,
    ],
)
def test_damage_is_noticed(root: Path, damage: Callable[[Path], None]) -> None:
    damage(root / "form-content")
    with pytest.raises(FileError, match="damaged"):
        cache.load(root, "form-content", 5, SHAPE)


def test_an_entry_of_another_shape_is_damaged(root: Path) -> None:
    with pytest.raises(FileError, match=r"shape is \(4, 4, 6, 3\)"):
        cache.load(root, "form-content", 5, (4, 6, 1))


def test_remove(root: Path) -> None:
    cache.remove(root, "form-content")
    assert cache.load(root, "form-content", 5, SHAPE) is None


def test_listings_are_remembered(tmp_path: Path) -> None:
    assert cache.remembered_content(tmp_path, "l") is None
    cache.remember_content(tmp_path / "new", "l", "c")
    assert cache.remembered_content(tmp_path / "new", "l") == "c"


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"Cannot create the folder .*; set GANVAS_CACHE to another folder"):
        cache.remember_content(tmp_path / "file", "listing", "content")


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    assert cache.default_root() == tmp_path
    monkeypatch.delenv("GANVAS_CACHE")
    assert cache.default_root() == Path(platformdirs.user_cache_dir("ganvas")) / "pictures"
