import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from ganvas.job.run_page import write_run_page
from ganvas.training.run import RunFolder


def test_a_run_draws_its_scores_and_its_newest_grid(plain_run: Path) -> None:
    page = (plain_run / "page.html").read_text(encoding="utf-8")
    assert "Run 0001-noise" in page
    assert "random feature distance" in page
    assert page.count("<svg") == 1
    with Image.open(sorted((plain_run / "samples").glob("0*.png"))[-1]) as sheet:
        newest = np.array(sheet.convert("RGB"))
    assert any(picture.shape == newest.shape and (picture == newest).all() for picture in pictures_of(page))


def test_what_is_not_there_is_left_out(plain_run: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "bare")
    shutil.copytree(plain_run, run.path)
    shutil.rmtree(run.samples)
    run.samples.mkdir()
    (run.path / "scores.jsonl").unlink()
    write_run_page(run, "<b>noise</b>")
    page = (run.path / "page.html").read_text(encoding="utf-8")
    assert "<svg" not in page
    assert "&lt;b&gt;noise" in page
    assert not pictures_of(page)


def test_scores_that_are_no_numbers_are_not_drawn(plain_run: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "odd")
    shutil.copytree(plain_run, run.path)
    lines = [
        {"step": 1, "seen_kimg": 0.1, "fd": float("nan"), "kd": 3.0},
        {"step": 2, "seen_kimg": 0.2, "fd": float("inf"), "kd": 2.0},
    ]
    (run.path / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_run_page(run, "noise")
    page = (run.path / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "<h2>kd</h2>" in page
    assert "<h2>fd</h2>" not in page


def test_the_best_of_a_score_is_marked_where_its_better_side_is_known(plain_run: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "sides")
    shutil.copytree(plain_run, run.path)
    lines = [{"seen_kimg": at, "psnr_gain": value, "l1": value, "odd": value} for at, value in ((1, 3.0), (2, 5.0))]
    (run.path / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_run_page(run, "noise")
    gain, l1, odd = (run.path / "page.html").read_text(encoding="utf-8").split("<svg")[1:]
    assert "higher is better" in gain
    assert "best 5 at 2" in gain
    assert "lower is better" in l1
    assert "best 3 at 1" in l1
    assert "better" not in odd
    assert "best" not in odd


def pictures_of(page: str) -> list[np.ndarray]:
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGB")) for code in found]
