import os
from pathlib import Path

import pytest

from ganvas.data.folder import Folder
from ganvas.data.source import read_item
from ganvas.errors import FileError
from tests.data.pictures import encoded, noise, write_folder


def test_finds_pictures_below_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {name: encoded(noise(seed)) for seed, name in enumerate(["b/2.png", "a.PNG", "b/c/1.png"])}
    folder = Folder(write_folder(tmp_path, files))
    assert folder.names == ("a.PNG", "b/2.png", "b/c/1.png")
    assert [read_item(folder, row) for row in range(3)] == [files[name] for name in folder.names]
    assert [item.size_bytes for item in folder.items] == [len(files[name]) for name in folder.names]


def test_hidden_files_are_not_seen_and_others_counted(tmp_path: Path) -> None:
    names = ["x.png", ".x.png", ".git/x.png", "__MACOSX/x.png", "a.heic", "b.HEIC", "notes", "labels.csv"]
    folder = Folder(write_folder(tmp_path, dict.fromkeys(names, b"-")))
    assert folder.names == ("x.png",)
    assert folder.others == {".heic": 2, "": 1}


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    write_folder(tmp_path, {"real/x.png": b"1", "aside/y.png": b"2"})
    (tmp_path / "real" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "real" / "self").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "z.png").symlink_to(tmp_path / "real" / "x.png")
    assert Folder(tmp_path).names == ("aside/y.png", "real/x.png", "z.png")


def test_a_broken_link_is_listed_and_unreadable(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to(tmp_path / "gone.png")
    folder = Folder(tmp_path)
    assert folder.names == ("x.png",)
    with pytest.raises(FileError, match=r"'x\.png' cannot be read"):
        read_item(folder, 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(FileError, match="is a pipe or a device"):
        read_item(Folder(tmp_path), 0)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_names_that_are_no_text_can_be_read_and_printed(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\n.png"
    try:
        os.close(os.open(path, os.O_CREAT))
    except OSError:
        pytest.skip("this file system wants UTF-8")
    folder = Folder(tmp_path)
    assert folder.names == (r"\udcff\n.png",)
    assert read_item(folder, 0) == b""
