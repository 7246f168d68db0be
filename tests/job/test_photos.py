"""The runner of batches: what is done, and skipped; what a kill leaves."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganvas.errors import FileError
from ganvas.events import Applied, Event, Notice, Warned
from ganvas.job.ledger import FAILED_FILE, books_of
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.restore import RestoreRequest, restore
from ganvas.job.upscale import UpscaleRequest, upscale
from tests.job.conftest import Models
from tests.photo_models import noise, read_picture, write_picture

NOT_ROOT = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")


def ask(photos: Path, out: Path, models: Models, **options: Any) -> UpscaleRequest:
    return UpscaleRequest(photos, out, options=PhotoOptions(model=models.upscale, device="cpu", **options))


def folder(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        write_picture(root / name, noise(6 + number, 7, seed=number))
    return root


def files_in(root: Path) -> set[str]:
    """All but the lock."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} - {".lock"}


def test_a_tree_with_bad_files(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png", "deep/ü é.png", "z.png")
    good = (source / "a.png").read_bytes()
    (source / "cut.png").write_bytes(good[: len(good) // 2])
    (source / "none.jpg").write_bytes(b"")
    (source / "deep" / "text.tif").write_text("hello")
    (source / "dangling.png").symlink_to(tmp_path / "nowhere")
    (source / "folder.png").mkdir()
    events: list[Event] = []
    result = upscale(ask(source, tmp_path / "out", models), report=events.append)
    assert len(result.receipts) == 3
    assert set(result.failed) == {"cut.png", "none.jpg", "deep/text.tif", "dangling.png"}
    assert files_in(tmp_path / "out") == {"a.png", "deep/ü é.png", "z.png", "ganvas-done.jsonl", FAILED_FILE}
    listed = (tmp_path / "out" / FAILED_FILE).read_text(encoding="utf-8").splitlines()
    assert {line.split("\t")[0] for line in listed} == set(result.failed)
    assert len([event for event in events if isinstance(event, Warned)]) == 4
    shares = [event.share for event in events if isinstance(event, Applied)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_what_is_done_is_skipped_by_its_content(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png", "c.png", "d.png")
    request = ask(source, tmp_path / "out", models)
    upscale(request)
    os.utime(source / "a.png", (1, 1))  # times mean nothing
    write_picture(source / "b.png", noise(5, 5, seed=9))
    (tmp_path / "out" / "c.png").write_bytes(b"somebody retouched it")
    (tmp_path / "out" / "d.png").unlink()
    result = upscale(request)
    assert result.skipped == ("a.png",)
    assert [Path(receipt.source.file).name for receipt in result.receipts] == ["b.png", "d.png"]
    assert "c.png' is there already and was changed since it was made; move it, or" in result.failed["c.png"]
    assert (tmp_path / "out" / "c.png").read_bytes() == b"somebody retouched it"
    (tmp_path / "out" / "c.png").unlink()
    assert len(upscale(request).receipts) == 1
    assert read_picture(tmp_path / "out" / "c.png").pixels.shape == (16, 14, 3)
    assert upscale(request).skipped == ("a.png", "b.png", "c.png", "d.png")
    other = replace(request, options=replace(request.options, mark=False))
    assert upscale(other).skipped == ()
    tiles = replace(other, options=replace(other.options, tile="3"))
    assert len(upscale(tiles).skipped) == 4  # tiles change no pixel


def test_results_of_other_photographs_and_verbs_stay(tmp_path: Path, models: Models) -> None:
    first, other = folder(tmp_path / "in", "a.png"), folder(tmp_path / "other", "b.png", "a.png")
    upscale(ask(first, tmp_path / "out", models))
    before = (tmp_path / "out" / "a.png").read_bytes()
    result = upscale(ask(other, tmp_path / "out", models))
    assert len(result.receipts) == 1
    assert f"was made by upscale of '{(first / 'a.png').resolve()}'; move it" in result.failed["a.png"]
    options = PhotoOptions(model=models.restore, device="cpu")
    with pytest.raises(FileError, match="was made by upscale of"):
        restore(RestoreRequest(first / "a.png", tmp_path / "out", options=options))
    assert (tmp_path / "out" / "a.png").read_bytes() == before


def test_a_photograph_that_comes_beside_one_that_is_done(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.bmp")
    upscale(ask(source, tmp_path / "out", models))
    folder(tmp_path / "in", "x.png", "a.png")
    result = upscale(ask(source, tmp_path / "out", models))
    assert (len(result.receipts), result.failed) == (3, {})
    assert {"a.bmp.png", "a.png", "x.png"} <= files_in(tmp_path / "out")
    assert read_picture(tmp_path / "out" / "a.png").pixels.shape == (14, 14, 3)
    assert len(upscale(ask(source, tmp_path / "out", models)).skipped) == 3


def test_what_others_put_there_stays(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"dear")
    result = upscale(ask(source, tmp_path / "out", models))
    assert "was not made by this command; move it" in result.failed["a.png"]
    assert (tmp_path / "out" / "a.png").read_bytes() == b"dear"
    assert len(result.receipts) == 1


def test_two_photographs_never_share_a_result(tmp_path: Path, models: Models) -> None:
    source = tmp_path / "in"
    pixels = {name: noise(5, 5, seed=number) for number, name in enumerate(("a.png", "a.tif", "a.tif.png"))}
    for name, one in pixels.items():
        write_picture(source / name, one, "tiff" if name.endswith("tif") else "png")
    result = upscale(ask(source, tmp_path / "out", models))
    made = {Path(receipt.source.file).name: Path(receipt.output.file) for receipt in result.receipts}
    assert len(set(made.values())) == 3
    for name, one in pixels.items():
        assert np.array_equal(read_picture(made[name]).pixels[::2, ::2], one)


def test_receipts_of_a_folder(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png")
    (source / "b.png").write_bytes(b"broken")
    upscale(ask(source, tmp_path / "out", models, receipt=tmp_path / "r.json"))
    told = json.loads((tmp_path / "r.json").read_text())
    assert [one["source"]["file"] for one in told["done"]] == [str(source / "a.png")]
    assert list(told["failed"]) == ["b.png"]


def test_receipts_tell_of_what_was_done_before(tmp_path: Path, models: Models) -> None:
    source, file = folder(tmp_path / "in", "a.png", "b.png", "c.png"), tmp_path / "r.json"

    def stop(event: Event) -> None:
        if isinstance(event, Applied) and event.done == 2:
            raise KeyboardInterrupt

    def told() -> list[str]:
        return [Path(one["source"]["file"]).name for one in json.loads(file.read_text())["done"]]

    with pytest.raises(KeyboardInterrupt):
        upscale(ask(source, tmp_path / "out", models, receipt=file), report=stop)
    assert told() == ["a.png", "b.png"]
    upscale(ask(source, tmp_path / "out", models, receipt=file))
    assert sorted(told()) == ["a.png", "b.png", "c.png"]
    upscale(ask(source, tmp_path / "out", models, receipt=file))
    assert told() == ["a.png", "b.png", "c.png"]
    single = tmp_path / "single.json"
    for _ in range(2):
        upscale(ask(source / "a.png", tmp_path / "alone", models, receipt=single))
        assert json.loads(single.read_text())["source"]["file"] == str(source / "a.png")


def test_a_receipt_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png")
    (tmp_path / "r.json").mkdir()
    (tmp_path / "file").touch()
    for receipt, sentence in ((tmp_path / "r.json", "which is a folder"), (tmp_path / "file" / "r.json", "--receipt")):
        with pytest.raises(FileError, match=sentence):
            upscale(ask(source, tmp_path / "out", models, receipt=receipt))
    assert not (tmp_path / "out").exists()
    upscale(ask(source, tmp_path / "out", models, receipt=tmp_path / "new" / "folder" / "r.json"))
    assert (tmp_path / "new" / "folder" / "r.json").is_file()


def test_files_of_other_kinds_are_named(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png")
    (source / "film.gif").touch()
    events: list[Event] = []
    upscale(ask(source, tmp_path / "out", models), report=events.append)
    assert Notice("Files of other kinds are passed over: 'film.gif'.") in events


def test_a_map_never_replaces_the_photograph(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "b.map.png", noise(6, 7))
    before = source.read_bytes()
    request = ask(source, tmp_path / "b.png", models)
    request = replace(request, map=True, options=replace(request.options, model=models.shifted))
    with pytest.raises(FileError, match=r"b\.map\.png' would be replaced, and is the photograph itself"):
        upscale(request)
    assert files_in(tmp_path) == {"b.map.png"}
    assert source.read_bytes() == before


def test_a_profile_that_is_lost_is_said(tmp_path: Path, models: Models) -> None:
    source = tmp_path / "in.jpg"
    Image.new("RGB", (8, 8)).save(source, icc_profile=bytes(100_000))  # two segments, of which one is cut out
    data = source.read_bytes()
    start = data.index(b"ICC_PROFILE") - 4
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    source.write_bytes(data[:start] + data[start + 2 + length :])
    (receipt,) = upscale(ask(source, tmp_path / "out.png", models)).receipts
    assert receipt.metadata["icc"] == "damaged, left out"
    assert "colour profile is damaged and was left out" in receipt.notes[0]
    source.write_bytes(data)
    (receipt,) = upscale(ask(source, tmp_path / "out.png", models)).receipts
    assert receipt.metadata["icc"] == "kept"


def test_a_profile_that_nobody_can_read_is_said_and_handed_on(tmp_path: Path, models: Models) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    readable = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile, words in ((b"no profile at all", ["none that can be read"]), (readable, [])):
        Image.new("RGB", (8, 8)).save(source, icc_profile=profile)
        (receipt,) = upscale(ask(source, target, models)).receipts
        assert receipt.metadata["icc"] == "kept"
        assert [word in note for word, note in zip(words, receipt.notes, strict=True)] == [True] * len(words)
        with Image.open(target) as written:
            assert written.info["icc_profile"] == profile


def test_a_picture_too_large_to_wait_is_read_when_its_turn_comes(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganvas.job.photos.MAX_AHEAD_PIXELS", 45)
    source = folder(tmp_path / "in", "a.png", "b.png")
    assert len(upscale(ask(source, tmp_path / "out", models)).receipts) == 2


@NOT_ROOT
def test_a_folder_that_may_not_be_written(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png")
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(FileError, match="choose another --out"):
        upscale(ask(source, tmp_path / "out", models))


def test_a_file_where_the_folder_should_be(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png", "sub/b.png")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="choose another --out"):
        upscale(ask(source, tmp_path / "file", models))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").touch()
    result = upscale(ask(source, tmp_path / "out", models))
    assert "Cannot create the folder" in result.failed["sub/b.png"]
    assert len(result.receipts) == 1


@pytest.mark.parametrize("when", [0, 1, 2])
def test_stopped_anywhere_the_same_call_goes_on(tmp_path: Path, models: Models, when: int) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png", "c.png")
    request = ask(source, tmp_path / "out", models)

    def stop(event: Event) -> None:
        if isinstance(event, Applied) and event.done == when:
            raise KeyboardInterrupt

    sentence = rf"Stopped, with {when} of 3 photographs done; the same command goes on\."
    with pytest.raises(KeyboardInterrupt, match=sentence):
        upscale(request, report=stop)
    assert len([name for name in files_in(tmp_path / "out") if name.endswith(".png")]) == when
    result = upscale(request)
    assert (len(result.skipped), len(result.receipts)) == (when, 3 - when)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_in_the_middle_of_a_file(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png")
    code = """
import os, signal, sys
from pathlib import Path
from ganvas.events import Applied
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.upscale import UpscaleRequest, upscale
source, out, model = map(Path, sys.argv[1:])
def kill(event):
    if isinstance(event, Applied) and event.done == 1:
        os.kill(os.getpid(), signal.SIGKILL)
upscale(UpscaleRequest(source, out, options=PhotoOptions(model=model, device="cpu", tile="3")), report=kill)
"""
    words = [sys.executable, "-c", code, str(source), str(tmp_path / "out"), str(models.upscale)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    visible = {name for name in files_in(tmp_path / "out") if not name.startswith(".")}
    assert visible == {"a.png", "ganvas-done.jsonl"}
    result = upscale(ask(source, tmp_path / "out", models))
    assert result.skipped == ("a.png",)
    assert read_picture(tmp_path / "out" / "b.png").pixels.shape == (14, 14, 3)
    assert files_in(tmp_path / "out") == {"a.png", "b.png", "ganvas-done.jsonl"}


def test_two_commands_never_share_a_folder(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png")
    with (
        books_of(tmp_path / "out"),
        pytest.raises(FileError, match=r"Another process is writing to the folder '.*out'; wait for it, or choose"),
    ):
        upscale(ask(source, tmp_path / "out", models))
    assert files_in(tmp_path / "out") == {"ganvas-done.jsonl"}
    assert len(upscale(ask(source, tmp_path / "out", models)).receipts) == 1


def mutated(data: bytes, generator: np.random.Generator) -> bytes:
    """A file with some bytes changed, cut off, doubled or exchanged."""
    raw = bytearray(data)
    for _ in range(generator.integers(1, 6)):
        at = int(generator.integers(len(raw))) if raw else 0
        match generator.integers(4):
            case 0:
                raw[at : at + 1] = bytes([generator.integers(256)])
            case 1:
                del raw[at : at + int(generator.integers(1, 40))]
            case 2:
                raw[at:at] = raw[at : at + int(generator.integers(1, 40))]
            case _:
                raw[at : at + 4] = generator.bytes(4)
    return bytes(raw)


@pytest.mark.parametrize("seed", range(3))
def test_any_file_gives_a_picture_or_a_sentence(tmp_path: Path, models: Models, seed: int) -> None:
    generator = np.random.default_rng(seed)
    seeds: list[tuple[str, bytes]] = []
    for format, suffix in (("png", "png"), ("tiff", "tif"), ("webp", "webp"), ("jpeg", "jpg")):
        path = write_picture(tmp_path / f"seed.{suffix}", noise(12, 9, 3), format)  # type: ignore[arg-type]
        seeds.append((suffix, path.read_bytes()))
    seeds.append(("png", write_picture(tmp_path / "seed16.png", noise(8, 9, 4, np.uint16)).read_bytes()))
    source = tmp_path / "in"
    source.mkdir()
    for number in range(60):
        suffix, data = seeds[number % len(seeds)]
        (source / f"{number:03d}.{suffix}").write_bytes(mutated(data, generator))
    out = tmp_path / "out"
    result = upscale(ask(source, out, models))
    assert len(result.receipts) + len(result.failed) == 60
    assert len(result.failed) > 10
    for receipt in result.receipts:
        back = read_picture(Path(receipt.output.file))
        assert back.pixels.shape[:2] == receipt.output.size_px[::-1]
    assert all(why.endswith(".") and "\n" not in why and "Traceback" not in why for why in result.failed.values())
    names = {Path(receipt.output.file).name for receipt in result.receipts}
    assert files_in(out) == names | {"ganvas-done.jsonl", FAILED_FILE}
