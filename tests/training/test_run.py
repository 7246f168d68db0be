import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganvas.errors import FileError
from ganvas.training.run import RunFolder, slugify


def test_runs_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    paths = [RunFolder.create(tmp_path / "deep" / "runs", slug).path for slug in ("Beach photos", "Beach photos", "x")]
    assert [path.name for path in paths] == ["0001-beach-photos", "0002-beach-photos", "0003-x"]
    assert all((path / "samples").is_dir() and (path / "checkpoints").is_dir() for path in paths)


def test_the_next_number_follows_the_highest_whatever_else_lies_there(tmp_path: Path) -> None:
    for name in ("0007-a", "notes", "12-short", "x-0099", "10002-many"):
        (tmp_path / name).mkdir()
    (tmp_path / "0009-file").touch()
    assert RunFolder.create(tmp_path, "b").path.name == "10003-b"


@pytest.mark.parametrize("rival", ["mine", "theirs"])
def test_two_that_start_at_once_get_two_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rival: str) -> None:
    mkdir, rivals = Path.mkdir, [tmp_path / f"0001-{rival}"]

    def raced(path: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Another process takes the same number just before this one."""
        if re.match(r"\d{4}-", path.name) and rivals:
            mkdir(rivals.pop())
        mkdir(path, mode, parents, exist_ok)

    monkeypatch.setattr(Path, "mkdir", raced)
    assert RunFolder.create(tmp_path, "mine").path.name == "0002-mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"0001-{rival}", "0002-mine"])


def test_a_runs_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    for runs in (tmp_path / "runs", tmp_path / "runs" / "deeper"):
        with pytest.raises(FileError, match=f"Cannot create a run in '{runs}' .*; choose another --runs folder"):
            RunFolder.create(runs, "x")


@given(st.text())
def test_a_slug_is_a_safe_name(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,48}", slugify(text))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("../../etc", "etc"),
        ("Été à Paris!", "t-paris"),
        ("日本", "run"),
        ("", "run"),
        ("a" * 60, "a" * 48),
        ("-x-", "x"),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert slugify(text) == slug


def test_a_slug_of_nothing_is_what_was_asked_for() -> None:
    assert (slugify("日本", empty=""), slugify("x", empty="")) == ("", "x")


def test_the_record_reads_back_and_replaces_the_old_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_record({"config": {"size": [8, 8]}, "long": "x" * 1000})
    run.write_record({"config": {"size": [8, 8]}})
    assert run.read_record() == {"config": {"size": [8, 8]}}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_a_folder_without_a_readable_record_is_no_run(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(FileError, match=f"'{tmp_path}' has no readable run.json .*, so it is not a run"):
        RunFolder(tmp_path).read_record()


@pytest.mark.parametrize("content", ["[]", "1", "null", '"{}"'])
def test_a_record_is_an_object(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(FileError, match=f"'{tmp_path}' has a run.json that holds no object, so it is not a run"):
        RunFolder(tmp_path).read_record()


def test_lines_read_back_without_the_one_that_a_kill_cut_short(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.lines("stats.jsonl") == []
    lines = [{"step": step, "name": "é\n"} for step in range(3)]
    for line in lines:
        run.append("stats.jsonl", line)
    path = tmp_path / "stats.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        assert run.lines("stats.jsonl") == lines[: whole[:cut].count(b"\n")]


def test_forgetting_drops_later_steps_and_the_torn_line_so_that_appending_goes_on(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for name in ("stats.jsonl", "health.jsonl", "scores.jsonl"):
        for step in (5, 10, 15):
            run.append(name, {"step": step})
        with (tmp_path / name).open("a") as file:
            file.write('{"step": 2')
    (tmp_path / "scores.jsonl").unlink()
    run.forget_after(10)
    run.append("stats.jsonl", {"step": 11})
    assert [line["step"] for line in run.lines("stats.jsonl")] == [5, 10, 11]
    assert [line["step"] for line in run.lines("health.jsonl")] == [5, 10]
    assert not (tmp_path / "scores.jsonl").exists()


@pytest.mark.parametrize("damage", [b"{broken", b"\xff\xfe", b""])
def test_a_damaged_line_is_named(tmp_path: Path, damage: bytes) -> None:
    run = RunFolder(tmp_path)
    (tmp_path / "stats.jsonl").write_bytes(b'{"step": 1}\n' + damage + b'\n{"step": 3}\n')
    with pytest.raises(FileError, match=r"Line 2 of '.*stats\.jsonl' is damaged \(.*\); remove it and try again"):
        run.lines("stats.jsonl")


def test_the_log_grows_by_lines(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.log("a sentence")
    run.log("naïve")
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "a sentence\nnaïve\n"


def test_sweeping_removes_half_written_files_and_nothing_else(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "x")
    kept = ["run.json", ".lock", "samples/000000000.png", "checkpoints/000000005.safetensors", ".note.txt"]
    torn = [".0a1b2c3d.run.json", "samples/.0a1b2c3d.000000000.png", "checkpoints/.ffffffff.000000010.safetensors"]
    for name in kept + torn:
        (run.path / name).write_bytes(b"")
    run.sweep()
    left = {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()}
    assert left == set(kept)


def test_what_atomic_writing_leaves_behind_is_what_sweeping_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process tidies nothing
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "killed")))
    with pytest.raises(FileError):
        RunFolder(tmp_path).write_record({})
    monkeypatch.undo()
    (torn,) = tmp_path.iterdir()
    assert json.loads(torn.read_text()) == {}
    for folder in ("samples", "checkpoints"):
        (tmp_path / folder).mkdir()
    RunFolder(tmp_path).sweep()
    assert not torn.exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "stats.jsonl").mkdir()
    with pytest.raises(FileError, match=r"Cannot write '.*stats.jsonl'"):
        RunFolder(tmp_path).append("stats.jsonl", {"step": 1})
