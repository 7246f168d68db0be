import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganvas.errors import DataError, FileError, UsageError
from ganvas.image.encode import encode
from ganvas.image.provenance import SourceType, read_mark
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.revive import MASK, REPAIRED, RESTORED, ReviveRequest, revive
from tests.job.conftest import Models
from tests.photo_models import noise, read_picture, repaired_levels, write_model, write_picture

BIAS = 0.25


def ask(photos: Path, out: Path, models: Models, **options: Any) -> ReviveRequest:
    return ReviveRequest(
        photos,
        out,
        fidelity=1.0,
        repair_model=models.repair,
        restore_model=models.restore,
        scratch_model=models.nothing,
        options=PhotoOptions(device="cpu", **options),
    )


@pytest.fixture
def scratched(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A picture whose white line is found to be a scratch."""
    monkeypatch.setattr("ganvas.job.revive.scratches", lambda pixels, *_: np.equal(pixels[..., 0], 255))
    pixels: np.ndarray = np.minimum(noise(16, 20), 200)
    pixels[8, 2:12] = 255
    return pixels


def test_every_step_is_kept(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source = write_picture(tmp_path / "in" / "sub" / "a.png", scratched)
    request = replace(ask(source.parents[1], tmp_path / "out", models), scale=2, upscale_model=models.upscale, grow=1)
    (receipt,) = revive(request).receipts
    steps = tmp_path / "out" / "steps" / "sub" / "a"
    mask = read_picture(steps / MASK).pixels[..., 0] > 0
    assert mask.sum() == 3 * 12
    repaired = read_picture(steps / REPAIRED).pixels
    assert np.array_equal(repaired[~mask], scratched[~mask])
    assert np.array_equal(repaired[mask], repaired_levels(scratched, mask, BIAS))
    assert np.array_equal(read_picture(steps / RESTORED).pixels, repaired)
    final = tmp_path / "out" / "sub" / "a.png"
    assert np.array_equal(read_picture(final).pixels, repaired.repeat(2, 0).repeat(2, 1))
    mark = read_mark(final.read_bytes(), "")
    assert mark is not None
    assert mark.source_type == SourceType.COMPOSITE
    assert [step.verb for step in receipt.steps] == ["repair", "revive", "revive"]
    assert receipt.source.file == str(source)
    assert receipt.steps[0].outside_mask is not None
    assert receipt.steps[0].outside_mask.max_levels == 0
    assert revive(request).skipped == ("sub/a.png",)


def test_without_enlarging_the_restored_picture_is_the_result(
    tmp_path: Path, models: Models, scratched: np.ndarray
) -> None:
    source = write_picture(tmp_path / "a.png", scratched)
    revive(ask(source, tmp_path / "out", models))
    assert sorted(path.name for path in (tmp_path / "out" / "steps" / "a").iterdir()) == [MASK, REPAIRED]
    repaired = read_picture(tmp_path / "out" / "steps" / "a" / REPAIRED).pixels
    assert np.array_equal(read_picture(tmp_path / "out" / "a.png").pixels, repaired)


def test_an_edited_mask_is_used(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source = write_picture(tmp_path / "a.png", scratched)
    request = ask(source, tmp_path / "out", models)
    revive(request)
    edited = np.zeros((16, 20, 1), np.uint8)
    edited[:3, :3] = 255
    steps = tmp_path / "out" / "steps" / "a"
    write_picture(steps / MASK, edited)
    (receipt,) = revive(request).receipts
    back = read_picture(tmp_path / "out" / "a.png").pixels
    assert np.array_equal(back[edited[..., 0] > 0], repaired_levels(scratched, edited[..., 0] > 0, BIAS))
    assert np.array_equal(back[8], scratched[8])  # the scratch is left, as the user wished
    assert any("1-mask.png' was edited" in note for note in receipt.notes)
    assert np.array_equal(read_picture(steps / MASK).pixels, edited)
    assert revive(request).skipped == ("a.png",)
    (steps / MASK).unlink()
    revive(request)
    assert read_picture(steps / MASK).pixels[8, 2:12].all()  # found anew


def test_an_edited_step_is_used_and_stays(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source = write_picture(tmp_path / "a.png", scratched)
    request = ask(source, tmp_path / "out", models)
    revive(request)
    by_hand = noise(16, 20, seed=8)
    write_picture(tmp_path / "out" / "steps" / "a" / REPAIRED, by_hand)
    revive(request)
    assert np.array_equal(read_picture(tmp_path / "out" / "a.png").pixels, by_hand)
    assert np.array_equal(read_picture(tmp_path / "out" / "steps" / "a" / REPAIRED).pixels, by_hand)


@pytest.mark.parametrize("step", [MASK, REPAIRED])
def test_an_edited_step_of_another_photograph_is_refused(
    tmp_path: Path, models: Models, scratched: np.ndarray, step: str
) -> None:
    source, out = write_picture(tmp_path / "a.png", scratched), tmp_path / "out"
    revive(ask(source, out, models))
    edited = out / "steps" / "a" / step
    write_picture(edited, read_picture(edited).pixels ^ 255)
    before = (out / "a.png").read_bytes()
    write_picture(source, scratched.copy()[::-1])
    with pytest.raises(FileError, match=f"{step}' was edited, but belongs to another photograph than 'a.png' is now"):
        revive(ask(source, out, models))
    assert (out / "a.png").read_bytes() == before
    edited.unlink()
    assert len(revive(ask(source, out, models)).receipts) == 1


def test_receipts_say_what_decided_the_hole(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source, out = write_picture(tmp_path / "a.png", scratched), tmp_path / "out"
    finder = hashlib.sha256(models.nothing.read_bytes()).hexdigest()
    found = replace(ask(source, out, models), grow=1, scratch_threshold=0.7)
    (receipt,) = revive(found).receipts
    told = receipt.steps[0].options
    assert (told["finder"], told["grow"], told["scratch_threshold"]) == (finder, 1, 0.7)
    assert "finder" not in receipt.steps[1].options
    mask = write_picture(out / "steps" / "a" / MASK, np.zeros((16, 20, 1), np.uint8))
    (receipt,) = revive(found).receipts
    told = receipt.steps[0].options
    assert told["mask"] == hashlib.sha256(mask.read_bytes()).hexdigest()
    assert "finder" not in told


def test_a_step_that_was_edited_to_be_grey_gives_a_grey_result(
    tmp_path: Path, models: Models, scratched: np.ndarray
) -> None:
    source, out = write_picture(tmp_path / "a.png", scratched), tmp_path / "out"
    revive(ask(source, out, models))
    write_picture(out / "steps" / "a" / REPAIRED, scratched[..., :1])
    (receipt,) = revive(ask(source, out, models)).receipts
    assert (receipt.source.channels, receipt.output.channels) == (3, 1)
    assert read_picture(out / "a.png").pixels.shape[2] == 1


def test_steps_nobody_edited_follow_the_photograph(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source = write_picture(tmp_path / "a.png", scratched)
    request = ask(source, tmp_path / "out", models)
    revive(request)
    moved = np.roll(scratched, 4, axis=0)
    write_picture(source, moved)
    revive(request)
    assert read_picture(tmp_path / "out" / "steps" / "a" / MASK).pixels[12, 2:12].all()


def test_where_no_scratch_can_be_told_a_mask_by_hand_helps(tmp_path: Path, models: Models) -> None:
    pixels = noise(16, 20)
    source = write_picture(tmp_path / "a.png", pixels)
    finder = write_model(tmp_path / "all.safetensors", "find-scratches", bias=3.0)
    request = replace(ask(source, tmp_path / "out", models), scratch_model=finder)
    with pytest.raises(DataError, match=r"mark by hand what is to be filled"):
        revive(request)
    mask = np.zeros((16, 20, 1), np.uint8)
    mask[5, 5] = 255
    write_picture(tmp_path / "out" / "steps" / "a" / MASK, mask)
    revive(request)
    changed = (read_picture(tmp_path / "out" / "a.png").pixels != pixels).any(axis=2)
    assert changed.nonzero() == ([5], [5])


def test_how_sure_the_finder_must_be(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "a.png", noise(16, 20))
    finder = write_model(tmp_path / "all.safetensors", "find-scratches", bias=1.0)  # sure of every pixel by 0.731
    request = replace(ask(source, tmp_path / "out", models), scratch_model=finder)
    assert len(revive(replace(request, scratch_threshold=0.74)).receipts) == 1
    assert len(revive(replace(request, scratch_threshold=0.75)).receipts) == 1  # another one is another result
    with pytest.raises(DataError, match="raise --scratch-threshold"):
        revive(replace(request, scratch_threshold=0.72))


def test_fidelity_goes_to_the_models_that_have_two_ends(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source = write_picture(tmp_path / "a.png", scratched)
    request = replace(ask(source, tmp_path / "out", models), fidelity=0.0, grow=0)
    (receipt,) = revive(request).receipts
    assert [step.options["fidelity"] for step in receipt.steps] == [0.0, 1.0]
    mask = read_picture(tmp_path / "out" / "steps" / "a" / MASK).pixels[..., 0] > 0
    repaired = read_picture(tmp_path / "out" / "a.png").pixels[mask]
    assert np.array_equal(repaired, repaired_levels(scratched, mask, 0.5))  # the inventive end
    assert revive(replace(request, fidelity=None)).skipped == ("a.png",)  # nothing else than what is there
    (receipt,) = revive(replace(request, fidelity=1.0)).receipts
    assert [step.options["fidelity"] for step in receipt.steps] == [1.0, 1.0]
    single = write_model(tmp_path / "single.safetensors", "repair")
    with pytest.raises(UsageError, match="--fidelity is 0, but none of the models has two ends"):
        revive(replace(request, repair_model=single))
    (receipt,) = revive(replace(request, repair_model=single, fidelity=None)).receipts
    assert [step.options["fidelity"] for step in receipt.steps] == [1.0, 1.0]


def test_sixteen_bits_and_transparency_all_the_way(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    pixels = noise(16, 20, 4, np.uint16)
    source = write_picture(tmp_path / "a.tif", pixels, "tiff")
    revive(replace(ask(source, tmp_path / "out", models), colour_lock=True))
    assert np.array_equal(read_picture(tmp_path / "out" / "a.tif").pixels, pixels)


def test_the_mark_of_a_repair_stays_without_strength(tmp_path: Path, models: Models, scratched: np.ndarray) -> None:
    source, out = write_picture(tmp_path / "a.png", scratched), tmp_path / "out"
    (receipt,) = revive(replace(ask(source, out, models), strength=0.0)).receipts
    assert (read_picture(out / "a.png").pixels != scratched).any()
    mark = read_mark((out / "a.png").read_bytes(), "")
    assert mark is not None
    assert mark.source_type == receipt.source_type == SourceType.COMPOSITE
    assert receipt.notes == ("A strength of 0 takes nothing out: nothing was restored.",)


def test_the_mark_of_the_photograph_stays_where_an_editor_dropped_it(
    tmp_path: Path, models: Models, scratched: np.ndarray
) -> None:
    source, out = tmp_path / "a.png", tmp_path / "out"
    source.write_bytes(encode(scratched, "png", SourceType.GENERATED))
    for _ in range(2):
        (receipt,) = revive(replace(ask(source, out, models), strength=0.0)).receipts
        assert receipt.source_type == SourceType.GENERATED
        write_picture(out / "steps" / "a" / REPAIRED, scratched)


@pytest.mark.parametrize("scale", [None, 2])
def test_what_cannot_be_written_is_refused_before_anything_is_painted(
    tmp_path: Path, models: Models, scale: int | None
) -> None:
    source, out = write_picture(tmp_path / "a.png", noise(16, 20, 4)), tmp_path / "out"
    request = replace(ask(source, out, models), scale=scale, upscale_model=models.upscale if scale else None)
    with pytest.raises(UsageError, match="A jpeg picture has no transparency"):
        revive(replace(request, options=replace(request.options, format="jpeg")))
    foreign = write_picture(out / "a.png", noise(3, 3))
    before = foreign.read_bytes()
    with pytest.raises(FileError, match="is there already and was not made by this command"):
        revive(request)
    assert not (out / "steps").exists()
    assert foreign.read_bytes() == before


def test_a_result_that_was_retouched_after_a_run_that_failed_stays(
    tmp_path: Path, models: Models, scratched: np.ndarray
) -> None:
    source, out = write_picture(tmp_path / "a.png", scratched), tmp_path / "out"
    revive(ask(source, out, models))
    write_picture(out / "steps" / "a" / MASK, np.zeros((3, 3, 1), np.uint8))
    with pytest.raises(DataError, match="has 3x3 pixels and its picture 20x16"):
        revive(ask(source, out, models))
    retouched = write_picture(out / "a.png", noise(16, 20, seed=5)).read_bytes()
    write_picture(out / "steps" / "a" / MASK, np.zeros((16, 20, 1), np.uint8))
    with pytest.raises(FileError, match=r"a\.png' is there already and was changed since it was made"):
        revive(ask(source, out, models))
    assert (out / "a.png").read_bytes() == retouched


def test_a_restored_step_that_was_edited_is_for_enlarging_only(
    tmp_path: Path, models: Models, scratched: np.ndarray
) -> None:
    source, out = write_picture(tmp_path / "a.png", scratched), tmp_path / "out"
    large = replace(ask(source, out, models), scale=2, upscale_model=models.upscale)
    revive(large)
    by_hand = noise(16, 20, seed=8)
    plain = ask(source, out, models)
    revive(plain)
    write_picture(out / "steps" / "a" / RESTORED, by_hand)
    assert revive(plain).skipped == ("a.png",)  # nothing that it is made of has changed
    (receipt,) = revive(replace(plain, grow=1)).receipts
    assert receipt.notes == (f"'{out / 'steps' / 'a' / RESTORED}' was edited, and is used with --scale only.",)
    assert not np.array_equal(read_picture(out / "a.png").pixels, by_hand)
    (receipt,) = revive(large).receipts
    assert np.array_equal(read_picture(out / "a.png").pixels, by_hand.repeat(2, 0).repeat(2, 1))
    assert any("3-restored.png' was edited, and is taken as it is" in note for note in receipt.notes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"options": PhotoOptions(model=Path("m"))}, "revive has one model a step"),
        ({"upscale_model": Path("m")}, "--upscale-model is given without --scale"),
        ({"out": Path("result.png")}, "revive keeps its steps, too; give a folder"),
        ({"strength": 2.0}, "--strength is 2.0"),
        ({"grow": -1}, "--grow is -1"),
        ({"scale": 1}, "--scale is 1, but it must be 2 or 4"),
        ({"scale": -2}, "--scale is -2"),
        ({"scratch_threshold": 1.5}, "--scratch-threshold is 1.5, but it must be above 0 and below 1"),
    ],
)
def test_wrong_use(tmp_path: Path, models: Models, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        revive(replace(ask(tmp_path, tmp_path / "out", models), **change))


def test_a_large_hole_is_said(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "a.png", noise(120, 120))
    request = ask(source, tmp_path / "out", models)
    revive(request)
    holes = np.zeros((120, 120, 1), np.uint8)
    holes[8:-8, 8:-8] = 255
    write_picture(tmp_path / "out" / "steps" / "a" / MASK, holes)
    (receipt,) = revive(request).receipts
    assert receipt.steps[0].patched_px
    assert "filled with patches" in receipt.steps[0].notes[0]
