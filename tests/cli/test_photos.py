import json
import os
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest

from ganvas.cli.photos import run
from ganvas.cli.train import NEXT
from ganvas.events import Report
from ganvas.job.photos import PhotosResult
from ganvas.job.task_options import PHOTO
from tests.cli.conftest import Ganvas
from tests.photo_models import noise, read_picture, write_model, write_picture


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weights")
    for task in ("upscale", "restore", "repair", "find-scratches"):
        write_model(root / f"{task}.safetensors", task, bias=-1.0 if task == "find-scratches" else 0.0)
    return root


@pytest.fixture(autouse=True)
def installed(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganvas.job import models as models_job
    from ganvas.model import catalogue

    for function in (catalogue.installed_for, catalogue.installed_models, models_job.models):
        monkeypatch.setattr(function, "__defaults__", (shelf,))


def test_upscale(ganvas: Ganvas, tmp_path: Path) -> None:
    pixels = noise(9, 12)
    source = write_picture(tmp_path / "a.png", pixels)
    said = ganvas("upscale", source, "--out", tmp_path / "b.png", "--tile", 4)
    assert said.code == 0
    assert said.out.startswith(f"{tmp_path / 'b.png'}  24x18  broad colours within 0.00 levels  ")
    assert np.array_equal(read_picture(tmp_path / "b.png").pixels, pixels.repeat(2, 0).repeat(2, 1))


def test_repair_says_what_it_vouches_for(ganvas: Ganvas, tmp_path: Path) -> None:
    source = write_picture(tmp_path / "a.png", noise(9, 12))
    mask = np.zeros((9, 12, 1), np.uint8)
    mask[3, 4] = 255
    words = ["--mask", write_picture(tmp_path / "m.png", mask), "--receipt", tmp_path / "r.json"]
    said = ganvas("repair", source, *words, "--out", tmp_path / "b.png")
    assert said.code == 0
    assert "unchanged outside the mask" in said.out
    assert json.loads((tmp_path / "r.json").read_text())["masked_px"] == 1
    said = ganvas("repair", source, *words, "--out", tmp_path / "b.jpg")
    assert "levels outside the mask" in said.out
    said = ganvas("repair", source, "--find-scratches", "--out", tmp_path / "c", "--json")
    told = json.loads(said.out)
    assert "Nothing is marked" in told["done"][0]["notes"][0]


def test_restore_and_revive(ganvas: Ganvas, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", noise(9, 12))
    said = ganvas("restore", tmp_path / "in", "--out", tmp_path / "b", "--strength", 0.3, "--no-colour-lock")
    assert said.code == 0
    assert np.array_equal(read_picture(tmp_path / "b" / "a.png").pixels, noise(9, 12))
    said = ganvas("revive", tmp_path / "in", "--out", tmp_path / "c", "--scale", 2)
    assert said.code == 0
    assert (tmp_path / "c" / "steps" / "a" / "1-mask.png").is_file()
    assert read_picture(tmp_path / "c" / "a.png").pixels.shape == (18, 24, 3)
    said = ganvas("revive", tmp_path / "in", "--out", tmp_path / "c", "--scale", 2)
    assert (said.out, said.err) == ("", "1 done before, and skipped.\n")


def test_a_bad_file_is_told_at_once_and_in_the_end(ganvas: Ganvas, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "b.png", noise(9, 12))
    (tmp_path / "in" / "a\x1b[2J.png").write_bytes(b"broken")
    said = ganvas("upscale", tmp_path / "in", "--out", tmp_path / "out", "--json")
    assert said.code == 1
    told = json.loads(said.out)
    assert (len(told["done"]), len(told["failed"])) == (1, 1)
    first, last = said.err.splitlines()
    assert first.startswith("warning: ")
    assert "\x1b" not in said.err
    assert last.startswith("error: 1 of 2 photographs could not be done; ")


def test_a_dry_run_tells_and_writes_nothing(ganvas: Ganvas, tmp_path: Path) -> None:
    source = write_picture(tmp_path / "a.png", noise(9, 12))
    said = ganvas("upscale", source, "--out", tmp_path / "out", "--dry-run")
    assert said.code == 0
    assert "12x9" in said.err
    assert "MiB at most" in said.err
    said = ganvas("revive", source, "--out", tmp_path / "out", "--dry-run", "--json")
    assert json.loads(said.out)["plan"]["files"] == {"a.png": {"size_px": [12, 9]}}
    assert not (tmp_path / "out").exists()


def test_models(ganvas: Ganvas, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ganvas("models")
    head, *rows = said.out.splitlines()
    assert head.split()[:3] == ["name", "task", "scale"]
    assert [row.split()[0] for row in rows[:4]] == ["find-scratches", "repair", "restore", "upscale"]
    assert rows[3].split()[2] == "×2"
    assert rows[4:6] == ["", "find-scratches"]
    assert "    psnr: 30.5" in rows
    told = json.loads(ganvas("models", "--json").out)["models"]
    assert {one["licence"] for one in told} == {"CC0"}
    from ganvas.job import models as models_job

    monkeypatch.setattr(models_job.models, "__defaults__", (shelf / "none",))
    assert "No model for photographs is installed" in ganvas("models").err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["upscale", "a.png", "--out", "b.png", "--scale", "4"], 1, "No model for upscale ×4 is installed; train one"),
        (["upscale", "a.png", "--out", "a.png"], 2, "--out is 'a.png', which is the photograph itself"),
        (["upscale", ".", "--out", "out"], 2, "--out is 'out', and one of it and '.' lies in the other"),
        (["upscale", "none", "--out", "out"], 1, "There is no photograph or folder 'none'."),
        (["upscale", "a.png", "--out", "b.png", "--tile", "x"], 2, "--tile is 'x'"),
        (
            ["upscale", "a.png", "--out", "b.png", "--quality", "5"],
            2,
            "--quality is 5, but the default format loses",
        ),
        (
            ["upscale", "a.png", "--out", "b.jpg", "--format", "lossless"],
            2,
            "--out ends in '.jpg', but --format",
        ),
        (["repair", "a.png", "--out", "b.png"], 2, "A repair needs one mask, but neither"),
        (["restore", "a.png", "--out", "b.png", "--strength", "-1"], 2, "--strength is -1.0"),
        (["revive", "a.png", "--out", "b.png"], 2, "--out is 'b.png', but revive keeps its steps"),
        (["upscale", "a.png", "--out", "b.png", "--device", "abacus"], 2, "--device is 'abacus'"),
    ],
)
def test_wrong_use(
    ganvas: Ganvas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "a.png", noise(5, 5))
    said = ganvas(*words)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"error: {sentence}")
    assert said.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


@pytest.mark.parametrize("scale", [(), ("--scale", 2)])
def test_a_model_of_ones_own_brings_its_scale(
    ganvas: Ganvas, shelf: Path, tmp_path: Path, scale: tuple[object]
) -> None:
    write_model(tmp_path / "x3.safetensors", "upscale", scale=3)
    source = write_picture(tmp_path / "a.png", noise(9, 12))
    said = ganvas("upscale", source, "--model", tmp_path / "x3.safetensors", *scale, "--out", tmp_path / "b.png")
    if scale:
        assert said.code == 2
        assert "enlarges ×3, not ×2; choose another --model or --scale" in said.err
    else:
        assert read_picture(tmp_path / "b.png").pixels.shape == (27, 36, 3)


def test_the_next_command_of_every_task_is_one(ganvas: Ganvas, shelf: Path, tmp_path: Path) -> None:
    """As printed after training, with names put in."""
    source, mask = (write_picture(tmp_path / name, noise(9, 12)) for name in ("a.png", "m.png"))
    for task in PHOTO:
        words = shlex.split(NEXT[task].format(run=shelf / f"{task}.safetensors"))
        named = {"PHOTO": source, "MASK": mask, words[-1]: tmp_path / task}
        assert ganvas(*(named.get(word, word) for word in words)).code == 0, task


def test_a_polite_kill_ends_as_ctrl_c_does() -> None:
    def killed(report: Report) -> PhotosResult:
        os.kill(os.getpid(), signal.SIGTERM)
        return PhotosResult()

    with pytest.raises(KeyboardInterrupt):
        run(killed, json=False)
