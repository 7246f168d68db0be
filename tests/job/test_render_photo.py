"""The mark in what is written, when one verb works on the result of another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganvas.image.encode import encode
from ganvas.image.provenance import Mark, SourceType, read_mark
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.repair import repair
from ganvas.job.restore import RestoreRequest, restore
from ganvas.job.upscale import UpscaleRequest, upscale
from tests.job.conftest import Models
from tests.job.test_repair import ask, spots, write_mask
from tests.photo_models import noise, read_picture, write_picture


def mark_of(path: Path) -> Mark:
    mark = read_mark(path.read_bytes(), path.name)
    assert mark is not None
    return mark


@pytest.fixture
def repaired(tmp_path: Path, models: Models) -> Path:
    source, out = write_picture(tmp_path / "in.png", noise(9, 9)), tmp_path / "repaired.png"
    repair(ask(source, out, models, write_mask(tmp_path / "m.png", spots(9, 9))))
    assert mark_of(out).source_type == SourceType.COMPOSITE
    return out


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_enlarging_does_not_weaken_the_mark_of_a_repair(
    tmp_path: Path, models: Models, repaired: Path, suffix: str
) -> None:
    out, options = tmp_path / f"large.{suffix}", PhotoOptions(model=models.upscale, device="cpu")
    (receipt,) = upscale(UpscaleRequest(repaired, out, options=options)).receipts
    assert receipt.source_type == mark_of(out).source_type == SourceType.COMPOSITE
    assert (mark_of(out).recipe or {})["verb"] == "upscale"
    (receipt,) = upscale(UpscaleRequest(out, tmp_path / "larger.png", options=options)).receipts
    assert receipt.source_type == SourceType.COMPOSITE


def test_a_painted_picture_stays_one(tmp_path: Path, models: Models) -> None:
    source = tmp_path / "painted.png"
    source.write_bytes(encode(noise(9, 9), "png", SourceType.GENERATED))
    (receipt,) = repair(ask(source, tmp_path / "out.png", models, write_mask(tmp_path / "m.png", spots(9, 9)))).receipts
    assert receipt.source_type == mark_of(tmp_path / "out.png").source_type == SourceType.GENERATED


def test_what_is_given_back_unchanged_keeps_its_mark(tmp_path: Path, models: Models, repaired: Path) -> None:
    empty, out = write_mask(tmp_path / "empty.png", np.zeros((9, 9), bool)), tmp_path / "out.png"
    (receipt,) = repair(ask(repaired, out, models, empty)).receipts
    assert receipt.models == ()
    assert receipt.source_type == SourceType.COMPOSITE
    assert mark_of(out) == Mark(SourceType.COMPOSITE, None)  # no recipe of a model that did not run
    options = PhotoOptions(model=models.restore, device="cpu")
    (receipt,) = restore(RestoreRequest(repaired, out, strength=0.0, options=options)).receipts
    assert receipt.source_type == mark_of(out).source_type == SourceType.COMPOSITE
    assert np.array_equal(read_picture(out).pixels, read_picture(repaired).pixels)


def test_no_mark_leaves_out_that_of_the_photograph_too(tmp_path: Path, models: Models, repaired: Path) -> None:
    empty, out = write_mask(tmp_path / "empty.png", np.zeros((9, 9), bool)), tmp_path / "out.png"
    for request in (ask(repaired, out, models, empty), ask(repaired, out, models, tmp_path / "m.png")):
        (receipt,) = repair(replace(request, options=replace(request.options, mark=False))).receipts
        assert receipt.source_type is None
        assert read_mark(out.read_bytes(), "") is None
