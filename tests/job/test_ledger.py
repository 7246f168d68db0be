import json
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ganvas.errors import FileError
from ganvas.job.ledger import FILE, Ledger, books_of, key_of


def make(folder: Path, name: str, data: bytes = b"x") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def test_done_is_what_was_finished_and_is_still_so(tmp_path: Path) -> None:
    books = Ledger(tmp_path)
    books.begin("a.jpg", tmp_path / "a.png", "in/a", "restore")
    assert not books.is_done("a.jpg", "k")
    file = make(tmp_path, "a.png")
    books.finish("a.jpg", "k", [file], {"verb": "restore"})
    again = Ledger(tmp_path)
    for one in (books, again):
        assert one.is_done("a.jpg", "k")
        assert not one.is_done("a.jpg", "other")
        assert not one.is_done("b.jpg", "k")
    assert again.files_of("a.jpg") == [file]
    file.write_bytes(b"y")
    assert not again.is_done("a.jpg", "k")
    file.unlink()
    assert not again.is_done("a.jpg", "k")


def test_what_may_be_replaced(tmp_path: Path) -> None:
    books = Ledger(tmp_path)
    file = tmp_path / "a.png"

    def why(source: str = "in/a", verb: str = "restore") -> str | None:
        return Ledger(tmp_path).why_kept(file, source, verb)

    assert why() is None  # nothing is there
    make(tmp_path, "a.png")
    assert why() == "was not made by this command"
    books.begin("a.jpg", file, "in/a", "restore")
    assert why() is None  # ours, perhaps from a run that was killed
    books.finish("a.jpg", "k", [file], {})
    assert why() is None
    assert why(source="other/a") == why(verb="upscale") == "was made by restore of 'in/a'"
    make(tmp_path, "a.png", b"retouched")
    assert why() == "was changed since it was made"
    make(tmp_path, "a.png")
    books.finish("a.jpg", "k", [make(tmp_path, "a.jpg.png")], {})  # its result has another name now
    assert why(source="in/a.png") is None


def test_what_a_run_that_failed_left_is_known(tmp_path: Path) -> None:
    made, other = make(tmp_path, "a.png"), tmp_path / "b.png"
    with suppress(KeyboardInterrupt), books_of(tmp_path) as books:
        for file in (made, other):
            books.begin("a.jpg", file, "in/a", "restore")
        raise KeyboardInterrupt
    assert Ledger(tmp_path).unfinished() == []
    assert Ledger(tmp_path).why_kept(made, "in/a", "restore") is None
    make(tmp_path, "a.png", b"retouched")
    make(tmp_path, "b.png")
    assert Ledger(tmp_path).why_kept(made, "in/a", "restore") == "was changed since it was made"
    assert Ledger(tmp_path).why_kept(other, "in/a", "restore") == "was not made by this command"


def test_a_file_a_user_edits_belongs_to_a_photograph(tmp_path: Path) -> None:
    books, file = Ledger(tmp_path), make(tmp_path, "m.png")
    assert not books.is_of_another(file, "hash")  # put there by hand
    books.wrote(file, "hash")
    assert not Ledger(tmp_path).is_of_another(file, "hash")
    assert Ledger(tmp_path).is_of_another(file, "other")


def test_receipts_are_kept(tmp_path: Path) -> None:
    books = Ledger(tmp_path)
    assert books.receipt_of("a") is None
    books.finish("a", "k", [], {"seconds": 3})
    assert Ledger(tmp_path).receipt_of("a") == {"seconds": 3}


def test_what_a_user_edited(tmp_path: Path) -> None:
    books = Ledger(tmp_path)
    assert not books.is_edited(tmp_path / "m.png")
    file = make(tmp_path, "m.png")
    assert books.is_edited(file)  # put there by hand
    books.begin("a", file, "in/a", "restore")
    assert not books.is_edited(file)  # ours, perhaps from a run that was killed
    books.wrote(file, "hash")
    assert not Ledger(tmp_path).is_edited(file)
    make(tmp_path, "m.png", b"edited")
    assert Ledger(tmp_path).is_edited(file)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_cut_short_costs_nothing_else(tmp_path: Path, cut: int) -> None:
    books = Ledger(tmp_path)
    books.finish("a", "k", [make(tmp_path, "a.png")], {"verb": "restore"})
    books.finish("b", "k", [make(tmp_path, "b.png")], {"verb": "restore"})
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-cut])
    again = Ledger(tmp_path)
    assert again.is_done("a", "k")
    again.finish("c", "k", [make(tmp_path, "c.png")], {"verb": "restore"})
    assert Ledger(tmp_path).is_done("c", "k")


@pytest.mark.parametrize("line", [b"[]", b"7", b'{"done": 3}', b'{"done":"a","key":"k"}', b"[" * 100_000, b"\xff\xfe"])
def test_odd_lines_are_passed_over(tmp_path: Path, line: bytes) -> None:
    (tmp_path / FILE).write_bytes(line + b"\n")
    assert not Ledger(tmp_path).is_done("a", "k")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = b"\xff.jpg".decode(errors="surrogateescape")
    books = Ledger(tmp_path)
    books.finish(name, "k", [], {"verb": "restore"})
    assert Ledger(tmp_path).is_done(name, "k")


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(FileError, match=r"Cannot create the folder '.*out' .*; choose another --out"),
        books_of(tmp_path / "file" / "out"),
    ):
        pass
    (tmp_path / "out" / FILE).mkdir(parents=True)
    with (
        pytest.raises(FileError, match=r"Cannot write in the folder '.*out' .*; choose another --out"),
        books_of(tmp_path / "out"),
    ):
        pass


def test_keys() -> None:
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})
    assert json.loads(json.dumps(key_of({}))) == key_of({})


HOLD = """
import sys
from pathlib import Path
from ganvas.job.ledger import books_of
with books_of(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_belongs_to_one_process_until_that_ends_however(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        sentence = f"Another process is writing to the folder '{tmp_path}'; wait for it, or choose another --out."
        with pytest.raises(FileError, match=re.escape(sentence)), books_of(tmp_path):
            pass
        other.kill()
        other.wait()
        with books_of(tmp_path):
            pass


def test_what_a_killed_process_left_half_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    books = Ledger(folder)
    books.begin("a", folder / "sub" / "a.png", "in/a", "restore")
    books.begin("b", folder / "b.png", "in/a", "restore")
    books.begin("c", folder / "c.png", "in/a", "restore")
    make(folder, "c.png")
    books.finish("c", "k", [folder / "c.png"], {"verb": "restore"})
    books.begin("d", folder / ".." / "d.png", "in/a", "restore")
    books.begin("e", folder / "gone" / "e.png", "in/a", "restore")
    left = [".0123abcd.b.png", "sub/.0123abcd.a.png", "sub/.fedc0000.a.png"]
    others = ["b.png", ".0123abcd.x.png", ".0123abc.b.png", "0123abcd.b.png", ".0123abcd.c.png", "../.0123abcd.d.png"]
    for name in (*left, *others):
        make(folder, name)
    with books_of(folder):
        pass
    assert not any((folder / name).exists() for name in left)
    assert all((folder / name).exists() for name in others)
