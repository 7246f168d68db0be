import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganvas.errors import DataError, FileError, UsageError
from ganvas.events import Event, Looked, Warned
from ganvas.job.evaluate_pairs import PairReport, evaluate_pairs
from ganvas.metric.pairs.perceptual import distance_name
from ganvas.metric.score import Score
from ganvas.tensors import Levels
from tests.data.pictures import encoded, noise, scene, write_folder, write_npy, write_zip
from tests.photo_models import write_model

SIZE = (40, 56)
TARGETS = {f"{row:02d}": scene(row, *SIZE) for row in range(12)}


def spoiled(levels: Levels, seed: int, deviation: float) -> Levels:
    """Noise of a known level, kept away from black and white by the caller."""
    drawn = np.random.default_rng(seed).normal(0, deviation, levels.shape)
    return np.clip(np.round(levels + drawn), 0, 255).astype(np.uint8)


OUTPUTS = {name: spoiled(levels, row, 2 + row) for row, (name, levels) in enumerate(TARGETS.items())}


def folder(path: Path, pictures: dict[str, Levels], suffix: str = ".png") -> Path:
    return write_folder(path, {f"{name}{suffix}": encoded(levels) for name, levels in pictures.items()})


def compare(
    outputs: Path, targets: Path, out: Path, *, events: list[Event] | None = None, **options: Any
) -> PairReport:
    report = (events if events is not None else []).append
    return evaluate_pairs(outputs, targets, features="random", out=out, device="cpu", report=report, **options)


def by_name(found: PairReport) -> dict[str, Score]:
    return {score.name: score for score in found.scores}


def decibels(a: Levels, b: Levels) -> float:
    """The formula, in NumPy."""
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b.astype(float)).mean()))


def luma(levels: Levels) -> Any:
    return 16 + levels.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255


def test_noise_of_a_known_level(tmp_path: Path) -> None:
    """Means, their errors, the worst tenth and each pair, against NumPy."""
    events: list[Event] = []
    found = compare(folder(tmp_path / "a", OUTPUTS), folder(tmp_path / "b", TARGETS), tmp_path / "out", events=events)
    wanted = np.array([decibels(OUTPUTS[name], TARGETS[name]) for name in TARGETS])
    scores = by_name(found)
    assert found.names == tuple(f"{name}.png" for name in TARGETS)
    np.testing.assert_allclose(found.each["psnr"], wanted)
    assert scores["psnr"].value == pytest.approx(wanted.mean())
    assert scores["psnr"].error == pytest.approx(wanted.std(ddof=1) / math.sqrt(12))
    assert found.worst["psnr"] == pytest.approx(wanted.min())
    in_luma = [10 * np.log10(255**2 / np.square(luma(OUTPUTS[name]) - luma(TARGETS[name])).mean()) for name in TARGETS]
    np.testing.assert_allclose(found.each["psnr-y"], in_luma)
    assert [event for event in events if isinstance(event, Looked)][-1] == Looked("pairs", 12, 12)
    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert warned.text == "There is no mean of 'ms-ssim': all pairs are too small for it."


def test_more_noise_is_worse_by_every_score(tmp_path: Path) -> None:
    found = compare(folder(tmp_path / "a", OUTPUTS), folder(tmp_path / "b", TARGETS), tmp_path / "out")
    scores = by_name(found)
    assert set(scores) == {"psnr", "psnr-y", "ssim", distance_name("random")}
    for name, score in scores.items():
        values = np.array(found.each[name])
        mild, strong = values[:3].mean(), values[-3:].mean()
        assert (mild > strong) == (score.better == "higher")
        worst = found.worst[name]
        assert worst == (values.min() if score.better == "higher" else values.max())


def test_one_line_a_pair(tmp_path: Path) -> None:
    found = compare(folder(tmp_path / "a, b", OUTPUTS), folder(tmp_path / "c", TARGETS), tmp_path / "new" / "out")
    assert found.file.parent == tmp_path / "new" / "out"
    assert re.fullmatch(r"a-b-pairs-random-[0-9a-f]{8}\.csv", found.file.name)
    rows = list(csv.reader(found.file.read_text().splitlines()))
    assert rows[0] == ["name", *found.each]
    assert [row[0] for row in rows[1:]] == list(found.names)
    for column, values in enumerate(found.each.values(), start=1):
        np.testing.assert_allclose([float(row[column]) for row in rows[1:]], values, rtol=1e-5)


def test_other_pairs_or_borders_have_files_of_their_own_and_the_same_again_replaces_its_own(tmp_path: Path) -> None:
    outputs, targets = folder(tmp_path / "a", OUTPUTS), folder(tmp_path / "b", TARGETS)
    elsewhere = folder(tmp_path / "c" / "a", {**OUTPUTS, "03": TARGETS["05"]})
    found = [
        compare(outputs, targets, tmp_path / "out"),
        compare(outputs, targets, tmp_path / "out", border_px=1),
        compare(elsewhere, targets, tmp_path / "out"),
        compare(outputs, folder(tmp_path / "d", OUTPUTS), tmp_path / "out"),
    ]
    assert compare(outputs, targets, tmp_path / "out").file == found[0].file
    assert sorted((tmp_path / "out").iterdir()) == sorted({one.file for one in found})
    assert len({one.file for one in found}) == 4


def test_equal_pairs_are_left_out_of_means_that_they_make_infinite(tmp_path: Path) -> None:
    some = {**OUTPUTS, "03": TARGETS["03"], "07": TARGETS["07"]}
    found = compare(folder(tmp_path / "a", some), folder(tmp_path / "b", TARGETS), tmp_path / "out")
    scores = by_name(found)
    known = [decibels(some[name], TARGETS[name]) for name in TARGETS if name not in ("03", "07")]
    assert scores["psnr"].value == pytest.approx(np.mean(known))
    assert scores["psnr"].note == "2 pairs are equal and left out of the mean."
    assert [row for row, value in enumerate(found.each["psnr"]) if math.isinf(value)] == [3, 7]
    assert scores["ssim"].note == ""
    assert found.each["ssim"][3] == pytest.approx(1)
    assert "03.png,inf,inf,1" in found.file.read_text()


def test_all_pairs_equal(tmp_path: Path) -> None:
    events: list[Event] = []
    found = compare(folder(tmp_path / "a", TARGETS), folder(tmp_path / "b", TARGETS), tmp_path / "out", events=events)
    scores = by_name(found)
    assert "psnr" not in scores
    assert Warned("There is no mean of 'psnr': all pairs are equal, which makes it infinite.") in events
    assert scores["ssim"].value == pytest.approx(1)
    assert scores["ssim"].error == pytest.approx(0)
    assert [score.value for score in found.scores if score.better == "lower"] == [pytest.approx(0)]


def test_pairs_too_small_for_a_score(tmp_path: Path) -> None:
    events: list[Event] = []
    tiny = {f"{row}": noise(row, 5, 6) for row in range(3)}
    others = {name: spoiled(levels, 9, 5) for name, levels in tiny.items()}
    found = compare(folder(tmp_path / "a", others), folder(tmp_path / "b", tiny), tmp_path / "out", events=events)
    assert {"psnr", "psnr-y"} <= set(by_name(found))
    assert not {"ssim", "ms-ssim"} & set(by_name(found))
    assert Warned("There is no mean of 'ssim': all pairs are too small for it.") in events
    assert all(math.isnan(value) for value in found.each["ms-ssim"])
    mixed = {**others, "large": OUTPUTS["00"]}
    found = compare(
        folder(tmp_path / "c", mixed), folder(tmp_path / "d", {**tiny, "large": TARGETS["00"]}), tmp_path / "out"
    )
    assert by_name(found)["ssim"].note == "3 pairs are too small for it and left out."
    assert by_name(found)["ssim"].error is None


def test_one_pixel(tmp_path: Path) -> None:
    a, b = (
        folder(tmp_path / name, {"x": np.full((1, 1, 3), level, np.uint8)}) for name, level in (("a", 9), ("b", 12))
    )
    found = compare(a, b, tmp_path / "out")
    assert by_name(found)["psnr"].value == pytest.approx(20 * math.log10(255 / 3))
    assert by_name(found)["psnr"].error is None


def test_a_border_is_left_out(tmp_path: Path) -> None:
    framed = {name: levels.copy() for name, levels in OUTPUTS.items()}
    for levels in framed.values():
        levels[:4], levels[-4:], levels[:, :4], levels[:, -4:] = 0, 255, 0, 255
    found = compare(folder(tmp_path / "a", framed), folder(tmp_path / "b", TARGETS), tmp_path / "out", border_px=4)
    inner = [decibels(OUTPUTS[name][4:-4, 4:-4], TARGETS[name][4:-4, 4:-4]) for name in TARGETS]
    np.testing.assert_allclose(found.each["psnr"], inner)
    assert min(found.each["psnr-y"]) > min(inner), "nor does the frame count in luma"
    for border_px in (-1, 20):
        with pytest.raises(UsageError, match=f"A border of {border_px} px leaves nothing"):
            compare(tmp_path / "a", tmp_path / "b", tmp_path / "out", border_px=border_px)


def test_pairs_are_found_by_name_whatever_the_format(tmp_path: Path) -> None:
    """Sub-folders count; further targets do not matter."""
    outputs = folder(tmp_path / "a", {"x/1": OUTPUTS["01"], "y/1": OUTPUTS["02"]})
    files = {"y/1.png": encoded(TARGETS["02"]), "x/1.webp": encoded(TARGETS["01"], "WEBP", lossless=1)}
    targets = write_zip(tmp_path / "b.zip", {**files, "0.png": encoded(TARGETS["05"])})
    found = compare(outputs, targets, tmp_path / "out")
    np.testing.assert_allclose(found.each["psnr"], [decibels(OUTPUTS[name], TARGETS[name]) for name in ("01", "02")])


def test_grey_is_compared_with_colour(tmp_path: Path) -> None:
    grey = TARGETS["00"][..., :1]
    a = write_folder(tmp_path / "a", {"x.png": encoded(grey)})
    b = write_folder(tmp_path / "b", {"x.png": encoded(TARGETS["00"])})
    wanted = decibels(np.repeat(grey, 3, 2), TARGETS["00"])
    assert by_name(compare(a, b, tmp_path / "out"))["psnr"].value == pytest.approx(wanted)


def test_arrays_are_paired_by_row(tmp_path: Path) -> None:
    a, b = (write_npy(tmp_path / f"{name}.npy", np.stack(list(some.values())))
            for name, some in (("a", OUTPUTS), ("b", TARGETS)))  # fmt: skip
    wanted = [decibels(OUTPUTS[name], TARGETS[name]) for name in TARGETS]
    np.testing.assert_allclose(compare(a, b, tmp_path / "out").each["psnr"], wanted)


@pytest.mark.parametrize(("count", "there"), [(19, False), (20, True)])
def test_kernel_distance_of_enough_pairs(tmp_path: Path, count: int, there: bool) -> None:
    targets = {f"{row:02d}": noise(row, 8, 8) for row in range(count)}
    outputs = {name: (levels // 4 + 150).astype(np.uint8) for name, levels in targets.items()}
    found = compare(folder(tmp_path / "a", outputs), folder(tmp_path / "b", targets), tmp_path / "out")
    assert ("random-kd" in by_name(found)) == there
    if there:
        score = by_name(found)["random-kd"]
        assert score.error is not None
        assert score.value > 5 * score.error
        assert "random-kd" not in found.worst
        assert found.to_dict()["scores"][-1]["worst_tenth"] is None


def test_the_worst_tenth_of_many(tmp_path: Path) -> None:
    targets = {f"{row:02d}": noise(row, 4, 4) for row in range(30)}
    outputs = {name: spoiled(levels, 1, 4 + row) for row, (name, levels) in enumerate(targets.items())}
    found = compare(folder(tmp_path / "a", outputs), folder(tmp_path / "b", targets), tmp_path / "out")
    wanted = sorted(decibels(outputs[name], targets[name]) for name in targets)[:3]
    assert found.worst["psnr"] == pytest.approx(np.mean(wanted))


def test_pairs_that_do_not_fit(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a", OUTPUTS), folder(tmp_path / "b", TARGETS)
    for name in ("03", "05", "06", "07"):
        (b / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"4 of 12 pictures have no partner .*: '03', '05', '06' and 1 more; pairs are"):
        compare(a, b, tmp_path / "out")
    folder(b, TARGETS)
    write_folder(b, {"02.png": encoded(noise(0, 12, 16))})
    with pytest.raises(DataError, match=r"'02\.png' is 56x40 pixels and its target 16x12; pairs must be of one size"):
        compare(a, b, tmp_path / "out")
    write_folder(b, {"02.png": b"nothing"})
    with pytest.raises(FileError, match=r"'02\.png'"):
        compare(a, b, tmp_path / "out")
    folder(b, {"02": TARGETS["02"]})
    folder(b, {"04": TARGETS["04"]}, ".bmp")
    with pytest.raises(DataError, match=r"differ only in their suffix: '04'; keep one of each"):
        compare(a, b, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    a, b = (folder(tmp_path / name, {"x": OUTPUTS["00"]}) for name in "ab")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="choose another --out"):
        compare(a, b, tmp_path / "file")


def test_a_model_is_no_pictures(tmp_path: Path, plain_run: Path) -> None:
    targets = folder(tmp_path / "targets", TARGETS)
    with pytest.raises(UsageError, match=f"--pairs compares pictures, but '{plain_run}' is a run or a model; give"):
        compare(plain_run, targets, tmp_path / "out")
    model = write_model(tmp_path / "model.safetensors", "restore")
    with pytest.raises(UsageError, match=r"ganvas restore PHOTOS --model .* --pairs"):
        compare(model, targets, tmp_path / "out")
