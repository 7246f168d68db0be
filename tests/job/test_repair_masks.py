"""``ganvas repair`` with a file for a mask that is none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganvas.errors import FileError
from ganvas.job.repair import repair
from tests.job.conftest import Models
from tests.job.test_repair import ask, spots, write_mask
from tests.photo_models import noise, write_picture


def test_a_photograph_is_no_mask_of_itself(tmp_path: Path, models: Models) -> None:
    source, out = write_picture(tmp_path / "in" / "a.png", noise(9, 9)), tmp_path / "out"
    (tmp_path / "link.png").symlink_to(source)
    for mask in (source, source.parent, tmp_path / "link.png"):
        with pytest.raises(FileError, match=r"The mask '.*' is the photograph itself; give a picture that is white"):
            repair(ask(source, out / "a.png", models, mask))
    write_mask(tmp_path / "in" / "b.mask.png", spots(9, 9))
    write_picture(tmp_path / "in" / "b.png", noise(9, 9))
    result = repair(ask(source.parent, out, models, source.parent))
    assert [Path(receipt.source.file).name for receipt in result.receipts] == ["b.png"]
    assert "is the photograph itself" in result.failed["a.png"]
    assert not (out / "a.png").exists()
    plan = repair(ask(source.parent, out, models, source.parent, dry_run=True)).plan
    assert plan is not None
    assert "is the photograph itself" in plan["broken"]["a.png"]


def test_a_result_is_no_mask(tmp_path: Path, models: Models) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "in" / name, noise(9, 9))
        write_mask(tmp_path / "masks" / name, spots(9, 9))
    results, request = tmp_path / "results", ask(tmp_path / "in", tmp_path / "out", models, tmp_path / "results")
    repair(replace(request, out=results, mask=tmp_path / "masks"))
    write_mask(results / "b.mask.png", spots(9, 9, seed=2))
    sentence = f"The mask '{results / 'a.png'}' is marked as made or changed by a network"
    plan = repair(replace(request, options=replace(request.options, dry_run=True))).plan
    assert plan is not None
    assert (list(plan["files"]), list(plan["broken"])) == (["b.png"], ["a.png"])
    assert sentence in plan["broken"]["a.png"]
    result = repair(request)
    assert [receipt.masked_px for receipt in result.receipts] == [spots(9, 9, seed=2).sum()]
    assert sentence in result.failed["a.png"]
    assert not (tmp_path / "out" / "a.png").exists()


def test_a_mask_that_was_found_is_one(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.job.repair.scratches", lambda pixels, *_: np.equal(pixels[..., 0], 255))
    pixels = np.minimum(noise(9, 9), 200)
    pixels[4, 2:5] = 255
    source, out = write_picture(tmp_path / "a.png", pixels), tmp_path / "out"
    found = replace(ask(source, out, models, None), find_scratches=True, scratch_model=models.nothing, grow=0)
    assert repair(found).receipts[0].masked_px == 3
    assert b"mask_sha256" in (out / "a.mask.png").read_bytes()
    for mask in (out / "a.mask.png", out):
        (receipt,) = repair(ask(source, tmp_path / "again.png", models, mask)).receipts
        assert receipt.masked_px == 3
