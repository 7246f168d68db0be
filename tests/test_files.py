"""Atomic writing, with every way it can go wrong."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.errors import DataError, FileError
from ganvas.files import atomic_path, make_folder, require_writable, write_bytes
from ganvas.model.descriptor import Descriptor
from ganvas.model.save import save_model
from ganvas.training.checkpoint import write_checkpoint


def test_new_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.json", b"{}")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"{}")]


def test_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old and longer")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_writer_gets_a_path_beside_with_the_same_suffix(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    with atomic_path(path) as beside:
        assert beside.parent == path.parent
        assert beside.suffix == ".safetensors"
        assert beside != path
        beside.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_who_may_read_any_file_may_read_what_was_written(tmp_path: Path, umask: int) -> None:
    """Whatever the writer makes of it: safetensors lets the owner alone read its files."""
    before = os.umask(umask)
    try:
        (tmp_path / "other").touch()
        write_bytes(tmp_path / "bytes", b"x")
        write_checkpoint(tmp_path / "checkpoint.safetensors", {"x": torch.zeros(2)}, {})
        save_model(tmp_path / "m.safetensors", Descriptor("generate", (8, 8), 3, 4, {}), {"generator": nn.Linear(2, 2)})
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o666 & ~umask}
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("error", [DataError("no"), KeyboardInterrupt(), ValueError()])
def test_failure_of_the_writer_leaves_the_old_file_and_no_other(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write() -> None:
        with atomic_path(path) as beside:
            beside.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failure_of_the_disk_is_told_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(FileError, match="No space left on device"):
        write_bytes(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        order.append("fsync")
        fsync(handle)

    def noted_replace(old: Path, new: Path) -> None:
        order.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_bytes(tmp_path / "a", b"x")
    assert order[:2] == ["fsync", "replace"]


def test_missing_folder_and_folder_that_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="its folder exists"):
        write_bytes(tmp_path / "missing" / "a", b"x")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(FileError, match="file"):
        write_bytes(tmp_path / "file" / "a", b"x")


def test_kill_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    script = (
        "import os, sys; from pathlib import Path; from ganvas.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as beside: beside.write_bytes(b'half'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)]).returncode == 9
    assert path.read_bytes() == b"old"


def test_a_folder_is_made_or_the_way_out_is_told(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a" / "b", "give another")
        assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(
            FileError, match=rf"Cannot create the folder '{re.escape(str(path))}' \(.+\); give another\."
        ):
            make_folder(path, "give another")


def test_whether_a_file_can_be_written_is_asked_without_touching_it(tmp_path: Path) -> None:
    kept = tmp_path / "a.json"
    kept.write_text("before")
    require_writable(kept)
    require_writable(tmp_path / "new.json")
    assert kept.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(FileError, match="Cannot write"):
        require_writable(tmp_path / "none" / "a.json")
