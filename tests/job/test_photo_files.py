import os
from pathlib import Path
from typing import Any

import pytest

from ganvas.errors import FileError, UsageError
from ganvas.job.photo_files import beside, find_photos


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def results(root: Path, out: Path) -> dict[str, str]:
    return {entry.name: entry.output.relative_to(out).as_posix() for entry in find_photos(root, out).entries}


def test_links_to_folders_are_told_of(tmp_path: Path) -> None:
    root = touch(tmp_path / "in", "a.png", "sub/b.png")
    (root / "sub" / "linked").symlink_to(touch(tmp_path / "other", "c.png"), target_is_directory=True)
    files = find_photos(root, tmp_path / "out")
    assert [entry.name for entry in files.entries] == ["a.png", "sub/b.png"]
    assert files.others == ("sub/linked (a link to a folder)",)


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, scandir = touch(tmp_path / "in", "a.png", "sub/b.png"), os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(FileError, match=r"Cannot look into the folder '.*sub' \(Permission denied\); see that you may"):
        find_photos(root, tmp_path / "out")


def test_a_tree_is_kept(tmp_path: Path) -> None:
    root = touch(tmp_path / "in", "b.JPG", "a.png", "sub/ü 1.webp", "sub/deep/x.tiff", "notes.txt", "sub/y.pdf")
    files = find_photos(root, tmp_path / "out")
    assert results(root, tmp_path / "out") == {
        "a.png": "a",
        "b.JPG": "b",
        "sub/deep/x.tiff": "sub/deep/x",
        "sub/ü 1.webp": "sub/ü 1",
    }
    assert (files.folder, files.single, files.others) == (tmp_path / "out", False, ("notes.txt", "sub/y.pdf"))


def test_what_is_hidden_or_ours_is_no_photograph(tmp_path: Path) -> None:
    root = touch(tmp_path / "in", "a.png", ".b.png", ".trash/c.png", "__MACOSX/d.png", "ganvas-failed.txt")
    assert list(results(root, tmp_path / "out")) == ["a.png"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    root = touch(tmp_path / "in", "a.png")
    (root / "loop").symlink_to(root, target_is_directory=True)
    assert list(results(root, tmp_path / "out")) == ["a.png"]


@pytest.mark.parametrize(
    "names",
    [
        ["a.jpg", "a.png"],
        ["a.jpg", "a.png", "a.jpg.png"],
        ["a.jpg", "a.png", "a.jpg.png", "a.jpg.png.png", "a.png.jpg", "b.png"],
        ["A.png", "a.jpg"],
        ["x/a.png", "a.png"],
    ],
)
def test_no_two_results_have_one_name(tmp_path: Path, names: list[str]) -> None:
    found = results(touch(tmp_path / "in", *names), tmp_path / "out")
    assert sorted(found) == sorted(names)
    assert len({result.casefold() for result in found.values()}) == len(names)


def test_names_differ_only_where_they_must(tmp_path: Path) -> None:
    found = results(touch(tmp_path / "in", "a.jpg", "a.png", "b.png"), tmp_path / "out")
    assert found == {"a.jpg": "a.jpg", "a.png": "a.png", "b.png": "b"}


def test_a_single_photograph(tmp_path: Path) -> None:
    photo = touch(tmp_path, "p/a.jpg") / "p" / "a.jpg"
    named = find_photos(photo, tmp_path / "new.webp")
    assert named.folder is None
    assert (named.entries[0].output, named.entries[0].suffix) == (tmp_path / "new", ".webp")
    into = find_photos(photo, tmp_path / "out")
    assert into.folder == tmp_path / "out"
    assert (into.entries[0].output, into.entries[0].suffix) == (tmp_path / "out" / "a", None)
    (tmp_path / "folder.png").mkdir()
    assert find_photos(photo, tmp_path / "folder.png").folder == tmp_path / "folder.png"


def test_the_photograph_itself_is_never_the_result(tmp_path: Path) -> None:
    photo = touch(tmp_path, "a.png") / "a.png"
    with pytest.raises(UsageError, match="which is the photograph itself"):
        find_photos(photo, tmp_path / ".." / tmp_path.name / "a.png")


@pytest.mark.parametrize("out", ["in", "in/out", ".", "in/../in/x"])
def test_results_lie_apart_from_photographs(tmp_path: Path, out: str) -> None:
    root = touch(tmp_path / "in", "a.png")
    with pytest.raises(UsageError, match="lies in the other; choose a folder apart"):
        find_photos(root, tmp_path / out)


def test_a_link_does_not_hide_that(tmp_path: Path) -> None:
    root = touch(tmp_path / "in", "a.png")
    (tmp_path / "alias").symlink_to(root, target_is_directory=True)
    with pytest.raises(UsageError, match="choose a folder apart"):
        find_photos(root, tmp_path / "alias" / "out")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no photograph or folder"):
        find_photos(tmp_path / "none", tmp_path / "out")
    with pytest.raises(FileError, match=r"holds no picture \(.*\.png.*\)"):
        find_photos(touch(tmp_path / "in", "notes.txt"), tmp_path / "out")


@pytest.mark.parametrize(
    ("given", "out", "sentence"),
    [
        ("a.png", "b.GIF", r"--out ends in '\.GIF', which is not written; choose \.png"),
        (".", "b.heic", r"--out ends in '\.heic', which is not written; choose \.png"),
        (".", "b.png", r"--out is '.*b\.png', a picture's name, but photographs come from a folder; give a folder\."),
    ],
)
def test_a_name_of_a_picture_is_none_of_a_folder(tmp_path: Path, given: str, out: str, sentence: str) -> None:
    root = touch(tmp_path / "in", "a.png")
    with pytest.raises(UsageError, match=sentence):
        find_photos(root / given, tmp_path / out)
    (tmp_path / out).mkdir()
    assert find_photos(root / given, tmp_path / out).folder == tmp_path / out


def test_masks_by_name(tmp_path: Path) -> None:
    masks = touch(tmp_path, "a.png", "a.jpg.png", "sub/b.PNG", "c.png", "c.webp", "notes.txt")
    assert beside(masks, "a.jpg", "mask").name == "a.jpg.png"
    assert beside(masks, "a.webp", "mask").name == "a.png"
    assert beside(masks, "sub/B.jpg", "mask").name == "b.PNG"
    kept = touch(tmp_path / "kept", "a.png", "a.mask.png", "a.jpg.png", "a.jpg.mask.png", "b.mask.png", "b.png")
    assert beside(kept, "a.jpg", "mask").name == "a.jpg.mask.png"
    assert beside(kept, "a.png", "mask").name == "a.mask.png"
    assert beside(kept, "b.jpg", "mask").name == "b.mask.png"
    with pytest.raises(FileError, match=r"more than one mask for 'c.jpg' .*'c.png' and 'c.webp'"):
        beside(masks, "c.jpg", "mask")
    for missing in ("d.png", "none/a.png", "notes.txt"):
        with pytest.raises(FileError, match="There is no mask for"):
            beside(masks, missing, "mask")
