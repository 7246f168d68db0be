"""What a card says of a shipped model, from planted measurements."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import ship
from photographs.split import LIST, read_list

from ganvas.model.load import read_descriptor
from ganvas.model.photo import shrink_model
from tests.photo_models import write_model

PROTOCOL = {"features": "f", "kernel": "bicubic", "quick": False, "strengths": [1.0], "precision": "bfloat16"}


def row(method: str, damage: str, psnr: float) -> dict[str, Any]:
    names = ("psnr_y", "ssim", "perceptual", "colour", "seam")
    worst = {f"{name}_worst": psnr - 10 for name in names}
    return {"method": method, "damage": damage, "group": "photographs", **dict.fromkeys(names, psnr), **worst}


def summary(folder: Path) -> Path:
    tasks = {
        "upscale2": [row("bicubic", "x2", 31.0), row("upscale-2", "x2", 33.0)],
        "repair": [row("telea", "thin", 35.0), row("biharmonic", "thin", 36.0), row("repair faithful", "thin", 37.0)],
    }
    (folder / "summary.json").write_text(json.dumps({"protocol": PROTOCOL, "tasks": tasks}))
    return folder / "summary.json"


TRAINING = sum(one.part == "training" for one in read_list())


def trained(path: Path, pages: int = 0) -> Path:
    """A model as a run leaves it, of all photographs for training and of pages of text."""
    file = write_model(path, "upscale")
    shrink_model(file, file, card={"picture_count": TRAINING + pages})
    return file


def test_a_card_has_the_lines_of_its_own_task_and_the_worst_tenth(tmp_path: Path) -> None:
    found = ship.scores(summary(tmp_path), "repair")
    assert set(found) == {"protocol", "thin, photographs, biharmonic", "thin, photographs, repair faithful"}
    ours = found["thin, photographs, repair faithful"]
    assert (ours["psnr_y_db"], ours["psnr_y_db_worst"], ours["seam"]) == (37.0, 27.0, 37.0)
    assert "seam" not in ship.scores(summary(tmp_path), "upscale-2")["x2, photographs, upscale-2"]


def test_what_was_not_measured_is_not_shipped(tmp_path: Path) -> None:
    speeds = tmp_path / "speed.json"
    speeds.write_text(json.dumps({"repair": {"images_per_s": 50.0}}))
    assert ship.speed(speeds, "repair") == {"images_per_s": 50.0}
    for read, file in ((ship.scores, summary(tmp_path)), (ship.speed, speeds)):
        with pytest.raises(SystemExit, match="has no line about 'restore'"):
            read(file, "restore")


def test_shipping_twice_tells_of_the_runs_before_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "earlier.json").write_text(json.dumps({"upscale-2": [{"seen_kimg": 120.0}]}))
    monkeypatch.setattr(ship, "EARLIER", tmp_path / "earlier.json")
    file = trained(tmp_path / "upscale-2.safetensors")
    assert ship.before(file, "restore") == {}
    for _ in range(2):
        monkeypatch.setattr("sys.argv", ["ship.py", str(file), str(file), "--faithful-only"])
        ship.main()
        assert ship.before(file, "upscale-2") == {"started_from": [{"seen_kimg": 120.0}]}


def test_a_card_names_the_list_that_its_model_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = trained(tmp_path / "upscale-2.safetensors")
    run = tmp_path / "run.safetensors"
    shutil.copyfile(file, run)
    monkeypatch.setattr("sys.argv", ["ship.py", str(run), str(file)])
    ship.main()
    first = read_descriptor(file).card
    assert first["data_list_sha256"] == hashlib.sha256(LIST.read_bytes()).hexdigest()
    assert first["data"].startswith(f"{TRAINING} photographs")
    later = tmp_path / "list.tsv"
    later.write_text("\n".join(LIST.read_text().splitlines()[:3]) + "\n")
    monkeypatch.setattr(ship, "LIST", later)
    monkeypatch.setattr("sys.argv", ["ship.py", str(file), str(file)])
    ship.main()
    assert {key: read_descriptor(file).card[key] for key in ("data", "data_list_sha256")} == {
        key: first[key] for key in ("data", "data_list_sha256")
    }


def test_a_card_counts_the_pages_of_text(tmp_path: Path) -> None:
    assert ship.data(trained(tmp_path / "a.safetensors", pages=32))["data"].endswith("; 32 pages of drawn text")
    assert "pages" not in ship.data(trained(tmp_path / "a.safetensors"))["data"]
    with pytest.raises(SystemExit, match=rf"trained on {TRAINING - 1} pictures, but the list has {TRAINING}; train it"):
        ship.data(trained(tmp_path / "a.safetensors", pages=-1))


def test_a_run_that_started_from_a_shipped_model_tells_of_each_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its card has shortened what was before cards did, and has the hashes of what came after."""
    first, shipped = {"command": "ganvas train PHOTOS", "seen_kimg": 120.0}, {"sha256": "ab", "seen_kimg": 9.0}
    (tmp_path / "earlier.json").write_text(json.dumps({"upscale-2": [first]}))
    monkeypatch.setattr(ship, "EARLIER", tmp_path / "earlier.json")
    file = write_model(tmp_path / "upscale-2.safetensors", "upscale")
    shrink_model(file, file, card={"started_from": [{"seen_kimg": 120.0}, shipped]})
    assert ship.before(file, "upscale-2") == {"started_from": [first, shipped]}
