import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganvas.errors import DataError, FileError, GanvasError, UsageError
from ganvas.events import Event, Planned
from ganvas.image.photo import Photo
from ganvas.image.provenance import SourceType
from ganvas.image.read_photo import read_photo
from ganvas.image.write_photo import PhotoFormat
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.repair import RepairRequest, repair
from tests.job.conftest import Models
from tests.photo_models import noise, read_picture, repaired_levels, write_model, write_picture

BIAS = 0.25
"""Of the faithful end of the model."""


def spots(height: int, width: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width)) < 0.1


def write_mask(path: Path, mask: np.ndarray) -> Path:
    return write_picture(path, (mask * 255).astype(np.uint8)[..., None])


def ask(photos: Path, out: Path, models: Models, mask: Path | None, **options: Any) -> RepairRequest:
    options = {"model": models.repair, "device": "cpu", **options}
    return RepairRequest(photos, out, mask, fidelity=1.0, options=PhotoOptions(**options))


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_outside_the_mask_every_bit_stays(
    tmp_path: Path, models: Models, format: PhotoFormat, dtype: type[np.uint8], channels: int
) -> None:
    pixels, mask = noise(27, 33, channels, dtype), spots(27, 33)
    source = write_picture(tmp_path / "in.x", pixels, format).rename(tmp_path / f"in.{format}")
    request = ask(source, tmp_path / "out", models, write_mask(tmp_path / "m.png", mask), tile="8")
    (receipt,) = repair(request).receipts
    back = read_picture(Path(receipt.output.file)).pixels
    assert back.dtype == dtype
    assert receipt.output.channels == back.shape[2]
    if (format, dtype, channels) == ("tiff", np.uint16, 2):
        assert (back[..., :1] == back[..., :3]).all()
        back = back[..., [0, 3]]
    assert np.array_equal(back[~mask], pixels[~mask])
    colours = channels - (channels in (2, 4))
    wanted = repaired_levels(pixels, mask, BIAS)
    assert np.abs(back[mask][:, :colours].astype(int) - wanted).max() <= 1
    assert receipt.outside_mask is not None
    assert (receipt.outside_mask.max_levels, receipt.outside_mask.mean_levels) == (0, 0)
    assert (receipt.masked_px, receipt.source_type) == (mask.sum(), SourceType.COMPOSITE)


def test_grey_with_alpha_of_16_bits_becomes_a_tiff(tmp_path: Path, models: Models) -> None:
    pixels, mask = noise(27, 33, 2, np.uint16), spots(27, 33)
    source = write_picture(tmp_path / "in.png", pixels)
    request = ask(source, tmp_path / "out.tif", models, write_mask(tmp_path / "m.png", mask))
    (receipt,) = repair(request).receipts
    back = read_picture(tmp_path / "out.tif").pixels
    assert np.array_equal(back[~mask], pixels[~mask][:, [0, 0, 0, 1]])
    assert (receipt.source.channels, receipt.output.channels) == (2, 4)
    assert receipt.outside_mask is not None
    assert receipt.outside_mask.max_levels == 0


def test_a_file_that_comes_back_changed_is_not_left(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_picture(tmp_path / "in.png", noise(27, 33))
    request = ask(source, tmp_path / "out.png", models, write_mask(tmp_path / "m.png", spots(27, 33)))
    out = tmp_path / "out.png"
    out.write_bytes(b"before")
    before = {path.name for path in tmp_path.iterdir()}
    read = read_photo

    def flipped(data: bytes, name: str) -> Photo:
        photo = read(data, name)
        return replace(photo, pixels=photo.pixels ^ 1)

    def broken(data: bytes, name: str) -> Photo:
        return read(data[:100], name)

    for faulty, sentence in ((flipped, "1 levels of difference outside the mask"), (broken, "could not be read back")):
        monkeypatch.setattr("ganvas.job.outside_mask.read_photo", faulty)
        with pytest.raises(FileError, match=f"out.png' .*{sentence}.* was not kept"):
            repair(replace(request, map=True))
        assert {path.name for path in tmp_path.iterdir()} == before
        assert out.read_bytes() == b"before"


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_what_a_lossy_format_changes_is_said(tmp_path: Path, models: Models, format: PhotoFormat) -> None:
    pixels, mask = noise(24, 24), spots(24, 24)
    suffix = {"jpeg": "jpg"}.get(format, format)
    source = write_picture(tmp_path / f"in.{suffix}", pixels, format, quality=80)
    given = read_picture(source).pixels
    request = ask(source, tmp_path / "out", models, write_mask(tmp_path / "m.png", mask))
    (lossless,) = repair(request).receipts
    assert lossless.output.format == "png"
    assert np.array_equal(read_picture(tmp_path / "out" / "in.png").pixels[~mask], given[~mask])
    (kept,) = repair(replace(request, options=replace(request.options, format="keep"))).receipts
    back = read_picture(tmp_path / "out" / f"in.{suffix}").pixels
    difference = np.abs(back[~mask].astype(int) - given[~mask].astype(int))
    assert kept.outside_mask is not None
    assert kept.outside_mask.max_levels == difference.max() > 0
    assert kept.outside_mask.mean_levels == pytest.approx(difference.mean())


@pytest.mark.parametrize("channels", [1, 2])
def test_grey_in_webp_is_compared_as_colour(tmp_path: Path, models: Models, channels: int) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9, channels))
    request = ask(source, tmp_path / "o.webp", models, write_mask(tmp_path / "m.png", spots(9, 9)))
    (receipt,) = repair(request).receipts
    assert receipt.outside_mask is not None
    assert receipt.outside_mask.max_levels == 0


def test_nothing_marked(tmp_path: Path, models: Models) -> None:
    pixels = noise(9, 9, 4, np.uint16)
    source = write_picture(tmp_path / "in.png", pixels)
    empty = write_mask(tmp_path / "m.png", np.zeros((9, 9), bool))
    (receipt,) = repair(replace(ask(source, tmp_path / "out.png", models, empty), map=True)).receipts
    assert np.array_equal(read_picture(tmp_path / "out.png").pixels, pixels)
    assert (receipt.models, receipt.source_type, receipt.tile_px) == ((), None, None)
    assert "Nothing is marked" in receipt.notes[0]
    assert not list(tmp_path.glob("*.map.png"))


def test_masks_that_do_not_fit(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    wrong = {
        "pixels and its picture 9x9": write_mask(tmp_path / "size.png", spots(9, 8)),
        "marks every pixel": write_mask(tmp_path / "all.png", np.ones((9, 9), bool)),
        "There is no mask": tmp_path / "none.png",
        "which is no picture": Path(__file__),
    }
    (tmp_path / "bad.png").write_bytes(source.read_bytes()[:40])
    for sentence, mask in {**wrong, "is damaged or cut short": tmp_path / "bad.png"}.items():
        with pytest.raises(GanvasError, match=sentence):
            repair(ask(source, tmp_path / "out.png", models, mask))
    assert not (tmp_path / "out.png").exists()


def test_a_wider_mask(tmp_path: Path, models: Models) -> None:
    pixels, mask = noise(9, 9), np.zeros((9, 9), bool)
    mask[4, 4] = True
    source = write_picture(tmp_path / "in.png", pixels)
    request = ask(source, tmp_path / "out.png", models, write_mask(tmp_path / "m.png", mask))
    (receipt,) = repair(replace(request, grow=1)).receipts
    assert receipt.masked_px == 9
    (receipt,) = repair(request).receipts
    assert receipt.masked_px == 1


def test_a_mask_that_would_leave_nothing_once_it_is_wider(tmp_path: Path, models: Models) -> None:
    mask = np.ones((9, 9), bool)
    mask[4, 4] = False
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    request = ask(source, tmp_path / "out.png", models, write_mask(tmp_path / "m.png", mask))
    with pytest.raises(DataError, match=r"The mask '.*m\.png', 1 px wider, marks every pixel; give a smaller --grow"):
        repair(replace(request, grow=1))
    assert not (tmp_path / "out.png").exists()
    (receipt,) = repair(request).receipts
    assert receipt.masked_px == 80


def test_the_receipt_says_which_mask(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    mask = write_mask(tmp_path / "m.png", spots(9, 9))
    (receipt,) = repair(replace(ask(source, tmp_path / "out.png", models, mask), grow=1)).receipts
    assert receipt.options["grow"] == 1
    assert receipt.options["mask"] == hashlib.sha256(mask.read_bytes()).hexdigest()


def test_a_mask_is_not_replaced(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    mask = write_mask(tmp_path / "m.png", spots(9, 9))
    before = mask.read_bytes()
    with pytest.raises(UsageError, match=r"--out is '.*m\.png', which is the mask itself; choose another name"):
        repair(ask(source, mask, models, mask))
    assert mask.read_bytes() == before


def test_a_folder_with_a_folder_of_masks(tmp_path: Path, models: Models) -> None:
    for name in ("a.png", "sub/b.png", "c.png"):
        write_picture(tmp_path / "in" / name, noise(9, 9))
    for name in ("a.png", "sub/b.png"):
        write_mask(tmp_path / "masks" / name, spots(9, 9))
    result = repair(ask(tmp_path / "in", tmp_path / "out", models, tmp_path / "masks"))
    assert len(result.receipts) == 2
    assert "There is no mask for 'c.png'" in result.failed["c.png"]
    again = repair(ask(tmp_path / "in", tmp_path / "out", models, tmp_path / "masks"))
    assert (len(again.receipts), again.skipped) == (0, ("a.png", "sub/b.png"))
    write_mask(tmp_path / "masks" / "a.png", spots(9, 9, seed=2))
    again = repair(ask(tmp_path / "in", tmp_path / "out", models, tmp_path / "masks"))
    assert (len(again.receipts), again.skipped) == (1, ("sub/b.png",))
    with pytest.raises(UsageError, match="photographs come from a folder; give a folder of masks"):
        repair(ask(tmp_path / "in", tmp_path / "out", models, tmp_path / "masks" / "a.png"))


def test_scratches_found(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    def white(pixels: np.ndarray, *_: object) -> np.ndarray:
        return np.asarray(pixels[..., 0] == 255, bool)

    pixels = np.minimum(noise(20, 20), 200)
    pixels[10, 3:15] = 255
    source = write_picture(tmp_path / "in.png", pixels)
    request = replace(ask(source, tmp_path / "out", models, None), find_scratches=True, scratch_model=models.nothing)
    (receipt,) = repair(request).receipts
    assert "Nothing is marked" in receipt.notes[0]
    assert not read_picture(tmp_path / "out" / "in.mask.png").pixels.any()
    monkeypatch.setattr("ganvas.job.repair.scratches", white)
    (receipt,) = repair(replace(request, grow=1, out=tmp_path / "out2")).receipts
    kept = read_picture(tmp_path / "out2" / "in.mask.png").pixels[..., 0] > 0
    assert kept.sum() == receipt.masked_px == 3 * 14
    back = read_picture(tmp_path / "out2" / "in.png").pixels
    assert np.array_equal(back[~kept], pixels[~kept])
    assert np.array_equal(back[kept], repaired_levels(pixels, kept, BIAS))


def test_how_sure_the_finder_must_be(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    finder = write_model(tmp_path / "all.safetensors", "find-scratches", bias=1.0)  # sure of every pixel by 0.731
    request = replace(ask(source, tmp_path / "out", models, None), find_scratches=True, scratch_model=finder)
    (receipt,) = repair(request).receipts
    assert (receipt.masked_px, receipt.options["scratch_threshold"]) == (0, 0.8)
    (receipt,) = repair(replace(request, scratch_threshold=0.74)).receipts  # another one is another result
    assert (receipt.masked_px, receipt.options["scratch_threshold"]) == (0, 0.74)
    with pytest.raises(DataError, match=r"All of 'in.png' looks like a scratch; raise --scratch-threshold"):
        repair(replace(request, scratch_threshold=0.72))


def test_a_dry_run_looks_at_the_masks(tmp_path: Path, models: Models) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        write_picture(tmp_path / "in" / name, noise(9, 9))
    write_mask(tmp_path / "masks" / "a.png", spots(9, 9))
    write_mask(tmp_path / "masks" / "b.png", spots(9, 8))
    (tmp_path / "masks" / "d.png").write_bytes(b"broken")
    events: list[Event] = []
    request = ask(tmp_path / "in", tmp_path / "out", models, tmp_path / "masks", dry_run=True)
    result = repair(request, report=events.append)
    assert result.plan is not None
    (planned,) = events
    assert isinstance(planned, Planned)
    assert ("deep holes", "take longer, and up to 0 MiB more") in planned.lines
    assert list(result.plan["files"]) == ["a.png"]
    told = result.plan["broken"]
    assert "has 8x9 pixels and its picture 9x9" in told["b.png"]
    assert "There is no mask for 'c.png'" in told["c.png"]
    assert "is not a picture of a known format" in told["d.png"]
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_invented_where_the_model_can(tmp_path: Path, models: Models) -> None:
    source, mask = write_picture(tmp_path / "in.png", noise(9, 9)), write_mask(tmp_path / "m.png", spots(9, 9))
    request = replace(ask(source, tmp_path / "out", models, mask), fidelity=None)
    assert repair(request).receipts[0].options["fidelity"] == 0.0
    single = write_model(tmp_path / "single.safetensors", "repair")
    request = replace(request, out=tmp_path / "other", options=replace(request.options, model=single))
    assert repair(request).receipts[0].options["fidelity"] == 1.0


def test_a_mask_that_was_edited_is_not_made_anew(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    request = replace(
        ask(source, tmp_path / "out", models, None), find_scratches=True, scratch_model=models.nothing, map=True
    )
    repair(request)
    assert len(repair(replace(request, fidelity=0.0)).receipts) == 1  # ours, and replaced
    kept = write_mask(tmp_path / "out" / "in.mask.png", spots(9, 9))
    before = kept.read_bytes()
    with pytest.raises(FileError, match=r"in\.mask\.png' was edited; give it with --mask, or remove it"):
        repair(request)
    assert kept.read_bytes() == before
    kept.unlink()
    assert len(repair(request).receipts) == 1


def test_a_mask_beside_a_single_result_is_not_replaced_once_it_was_edited(tmp_path: Path, models: Models) -> None:
    source, kept = write_picture(tmp_path / "in.png", noise(9, 9)), tmp_path / "out.mask.png"
    request = ask(source, tmp_path / "out.png", models, None)
    request = replace(request, find_scratches=True, scratch_model=models.nothing)
    repair(request)
    some = write_model(tmp_path / "some.safetensors", "find-scratches", bias=1.0)
    repair(replace(request, scratch_model=some))  # another mask, in the place of one that nobody touched
    written = kept.read_bytes()
    write_mask(kept, spots(9, 9))
    foreign = kept.read_bytes()
    with Image.open(io.BytesIO(written)) as image:
        known = PngInfo()
        known.add_itxt("XML:com.adobe.xmp", image.info["XML:com.adobe.xmp"])
        image.putpixel((3, 3), 255)
        image.save(kept, pnginfo=known)  # an editor that keeps what it does not know
    assert b"mask_sha256" in kept.read_bytes()
    for content in (foreign, kept.read_bytes(), b"notes"):
        kept.write_bytes(content)
        with pytest.raises(FileError, match=r"out\.mask\.png' was edited; give it with --mask, or remove it to have"):
            repair(request)
        assert kept.read_bytes() == content


def test_masks_kept_beside_results_are_given_back_as_they_are(tmp_path: Path, models: Models) -> None:
    """Corrected in an editor, the folder of results is the folder of masks."""
    write_picture(tmp_path / "in/a.png", noise(9, 9))
    out = tmp_path / "out"
    request = ask(tmp_path / "in", out, models, None)
    repair(replace(request, find_scratches=True, scratch_model=models.nothing))
    write_mask(out / "a.mask.png", spots(9, 9))
    done = repair(replace(request, mask=out))
    assert done.receipts[0].masked_px == spots(9, 9).sum()


def test_a_map_does_not_replace_the_mask(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    mask = write_mask(tmp_path / "out.map.png", spots(9, 9))
    before = mask.read_bytes()
    with pytest.raises(
        FileError, match=r"out\.map\.png' would be replaced, and is the mask itself; choose another --out"
    ):
        repair(replace(ask(source, tmp_path / "out.png", models, mask), map=True))
    assert mask.read_bytes() == before
    assert not (tmp_path / "out.png").exists()


def test_a_result_does_not_replace_a_mask_of_a_folder(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    mask = write_mask(tmp_path / "masks" / "in.png", spots(9, 9))
    before = mask.read_bytes()
    with pytest.raises(FileError, match=r"in\.png' would be replaced, and is the mask itself"):
        repair(ask(source, mask, models, mask.parent))
    assert mask.read_bytes() == before


def test_a_dry_run_counts_the_finder(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    request = ask(source, tmp_path / "out.png", models, None, dry_run=True, tile="8")
    plan = repair(replace(request, find_scratches=True, scratch_model=models.nothing)).plan
    assert plan is not None
    assert plan["tile_px"] == [8, 8]


def test_a_model_for_something_else_is_called_by_its_flag(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    request = replace(ask(source, tmp_path / "out.png", models, None), find_scratches=True)
    with pytest.raises(UsageError, match="is a model for restore, not find-scratches; choose another --scratch-model"):
        repair(replace(request, scratch_model=models.restore))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "neither --mask nor --find-scratches is given"),
        ({"mask": Path("m.png"), "find_scratches": True}, "both --mask and --find-scratches are given"),
        ({"mask": Path("m.png"), "scratch_model": Path("x")}, "--scratch-model is given without"),
        ({"mask": Path("m.png"), "scratch_threshold": 0.5}, "--scratch-threshold is given without"),
        ({"find_scratches": True, "scratch_threshold": 0.0}, "--scratch-threshold is 0, but it must be above 0"),
        ({"find_scratches": True, "scratch_threshold": 1.0}, "--scratch-threshold is 1, but it must be above 0"),
        ({"mask": Path("m.png"), "grow": -1}, "--grow is -1"),
        ({"mask": Path("m.png"), "grow": 101}, "--grow is 101"),
        ({"mask": Path("m.png"), "fidelity": 2.0}, "--fidelity is 2.0"),
    ],
)
def test_wrong_use(tmp_path: Path, models: Models, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        repair(replace(ask(tmp_path, tmp_path / "out", models, None), **change))


def test_a_photograph_that_is_all_scratch(tmp_path: Path, models: Models) -> None:
    source = write_picture(tmp_path / "in.png", noise(9, 9))
    finder = write_model(tmp_path / "all.safetensors", "find-scratches", bias=3.0)
    request = replace(ask(source, tmp_path / "out.png", models, None), find_scratches=True, scratch_model=finder)
    with pytest.raises(DataError, match=r"All of 'in.png' looks like a scratch"):
        repair(request)
    assert isinstance(read_picture(source), Photo)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.safetensors", "in.png"]
