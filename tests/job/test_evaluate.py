import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganvas.errors import DataError, FileError, UsageError
from ganvas.events import Event, Looked, Warned
from ganvas.metric.pictures import FilePictures, PackedPictures
from ganvas.metric.score import Score
from ganvas.network.features import Loaded
from ganvas.network.features.classifier import Classifier, save_classifier
from tests.data.pictures import backdate, encoded, noise, write_folder
from tests.evaluations import mean_network, small_evaluation, two_folders
from tests.network.features.networks import shaken
from tests.runs import class_folder, files_below, picture, plain_folder


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What another test looked at does not count here."""
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the sets whose pixels were read, in order."""
    seen: list[str] = []

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def each(self: FilePictures | PackedPictures, work: Callable[..., Any]) -> Any:
            seen.append(self.key)
            return original(self, work)

        return each

    for kind in (FilePictures, PackedPictures):
        monkeypatch.setattr(kind, "each", watched(kind.each))
    return seen


def scores_of(scores: tuple[Score, ...]) -> dict[str, tuple[float, float | None]]:
    return {score.name: (score.value, score.error) for score in scores}


def test_a_second_evaluation_looks_at_the_fakes_alone(tmp_path: Path, looks: list[str]) -> None:
    reals, fakes = two_folders(tmp_path)
    first = small_evaluation(fakes, reals, tmp_path / "out")
    assert len(looks) == 2
    looks.clear()
    events: list[Event] = []
    again = small_evaluation(fakes, reals, tmp_path / "out", events=events)
    assert first.result.stamp.real_key not in looks
    assert len(looks) == 1
    assert again.result == first.result
    assert again.memorised == first.memorised
    looked = [(event.what, event.done, event.total) for event in events if isinstance(event, Looked)]
    assert looked == [("fakes", 24, 24)]
    other = small_evaluation(plain_folder(tmp_path / "others", 30), reals, tmp_path / "out")
    assert first.result.stamp.real_key not in looks
    assert other.result.floors == first.result.floors


def touch(reals: Path) -> Path:
    for file in reals.iterdir():
        os.utime(file)
    return reals


def copy(reals: Path) -> Path:
    return shutil.copytree(reals, reals.with_name("copy"))


def leave(reals: Path) -> Path:
    return reals


@pytest.mark.parametrize("change", [touch, copy, leave])
def test_times_and_places_of_files_do_not_matter(
    tmp_path: Path, looks: list[str], change: Callable[[Path], Path]
) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    first = small_evaluation(fakes, reals, tmp_path / "out")
    looks.clear()
    again = small_evaluation(fakes, change(reals), tmp_path / "out")
    assert len(looks) == 1
    assert first.result.stamp.real_key not in looks
    assert again.result.scores == first.result.scores
    assert again.result.stamp == first.result.stamp


def change_a_pixel(reals: Path) -> dict[str, Any]:
    levels = noise(7, 8, 8)
    levels[3, 4, 1] ^= 1
    (reals / "007.png").write_bytes(encoded(levels))
    backdate(reals / "007.png")
    return {}


def swap_two(reals: Path) -> dict[str, Any]:
    (reals / "003.png").write_bytes(picture(4))
    (reals / "004.png").write_bytes(picture(3))
    return {}


def take_another_resize(reals: Path) -> dict[str, Any]:
    return {"protocol": "pytorch-fid"}


def take_another_precision(reals: Path) -> dict[str, Any]:
    return {"precision": "bfloat16"}


def take_another_network(reals: Path) -> dict[str, Any]:
    file = reals.with_name("classifier.safetensors")
    save_classifier(file, shaken(Classifier(16, 3, 7)))
    return {"features": "classifier", "weights": file}


CHANGES = [change_a_pixel, swap_two, take_another_resize, take_another_precision, take_another_network]


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_features_depend_on_misses_the_cache(
    tmp_path: Path, looks: list[str], change: Callable[[Path], dict[str, Any]]
) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    small_evaluation(fakes, reals, tmp_path / "out")
    looks.clear()
    options = change(reals)
    small_evaluation(fakes, reals, tmp_path / "out", **options)
    assert len(looks) == 2
    small_evaluation(fakes, reals, tmp_path / "out", **options)
    assert len(looks) == 3


def test_another_network_of_the_same_name_misses_the_cache(tmp_path: Path, looks: list[str]) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    file = tmp_path / "classifier.safetensors"
    for seed in (0, 1):
        save_classifier(file, shaken(Classifier(16, 3, 7), seed))
        found = small_evaluation(fakes, reals, tmp_path / "out", features="classifier", weights=file)
    assert len(looks) == 4
    assert found.result.scores[0].name == "classifier-fd"


def test_options_that_features_do_not_depend_on_hit_the_cache(tmp_path: Path, looks: list[str]) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    for options in ({}, {"batch": 5}, {"groups": 3}, {"seed": 9}, {"protocol": "clean"}):
        small_evaluation(fakes, reals, tmp_path / "out", **options)
    assert len(looks) == 2 + 4


def test_a_run_again_paints_and_reads_no_real(plain_run: Path, tmp_path: Path, looks: list[str]) -> None:
    first = small_evaluation(plain_run, None, tmp_path, count=10)
    assert looks == [first.result.stamp.real_key]
    again = small_evaluation(plain_run, None, tmp_path, count=10)
    assert looks == [first.result.stamp.real_key]
    assert again.result == first.result
    assert (again.result.stamp.fake_count, again.result.stamp.real_count) == (10, 60)
    other = small_evaluation(plain_run, None, tmp_path, count=10, seed=500)
    assert other.result.scores != first.result.scores


def test_a_damaged_cache_is_told_and_made_again(tmp_path: Path, empty_cache: Path, looks: list[str]) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    first = small_evaluation(fakes, reals, tmp_path / "out")
    (kept,) = (empty_cache / "features").iterdir()
    kept.write_bytes(kept.read_bytes()[:200])
    events: list[Event] = []
    again = small_evaluation(fakes, reals, tmp_path / "out", events=events)
    assert len(looks) == 4
    assert again.result == first.result
    (text,) = again.warnings
    assert Warned(text) in events
    assert f"'{kept}' are damaged" in text
    assert small_evaluation(fakes, reals, tmp_path / "out").warnings == ()
    assert len(looks) == 5


def test_equal_seeds_give_equal_numbers(tmp_path: Path) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    first, again, other = (
        scores_of(small_evaluation(fakes, reals, tmp_path / "out", groups=5, seed=seed).result.scores)
        for seed in (4, 4, 5)
    )
    assert first == again
    assert [value for value, _ in first.values()] == pytest.approx([value for value, _ in other.values()])
    assert all(first[name][1] != other[name][1] for name in ("random-fd", "random-kd", "random-diversity"))


def test_the_stamp_says_how_it_was_measured(tmp_path: Path) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    found = small_evaluation(fakes, reals, tmp_path / "out", protocol="stylegan", seed=3, precision="bfloat16")
    stamp = found.result.stamp
    assert (stamp.network, stamp.protocol, stamp.resize, stamp.unbiased) == ("random", "stylegan", "tf", False)
    assert (stamp.real_count, stamp.fake_count, stamp.seed, stamp.precision) == (12, 12, 3, "bfloat16")
    assert stamp.formats == {"real": {"PNG": 12}, "fake": {"PNG": 12}}
    assert set(stamp.versions) == {"ganvas", "torch", "numpy", "python"}
    assert len(stamp.network_sha256) == 64


def test_equal_sets_score_as_well_as_can_be(tmp_path: Path) -> None:
    reals, _ = two_folders(tmp_path)
    found = small_evaluation(copy(reals), reals, tmp_path / "out")
    values = {name.removeprefix("random-"): value for name, (value, _) in scores_of(found.result.scores).items()}
    assert values["fd"] == pytest.approx(0, abs=1e-6)
    assert (values["precision"], values["recall"], values["coverage"]) == (1, 1, 1)
    assert values["diversity"] == pytest.approx(1)
    assert values["authenticity"] == 0
    assert found.memorised["copies"] == 24


def test_fewer_pictures_than_features_are_flagged(tmp_path: Path) -> None:
    reals, fakes = two_folders(tmp_path)
    note = small_evaluation(fakes, reals, tmp_path / "out").result.scores[0].note
    assert "24 pictures for 240 features" in note
    assert "kernel distance (KID)" in note


def test_pictures_of_every_kind_are_measured(tmp_path: Path) -> None:
    """Sizes, grey, colour, transparency, 16 bits, all in one set."""
    rng = np.random.default_rng(0)
    files = {f"rgb{row}.png": picture(row, 4 + row, 20 - row) for row in range(9)}
    files |= {f"grey{row}.png": picture(row, 8, 8, 1) for row in range(5)}
    files |= {f"alpha{row}.png": picture(row, 8, 9, 4) for row in range(5)}
    files |= {f"deep{row}.png": encoded(rng.integers(0, 65536, (6, 6, 1), np.uint16)) for row in range(5)}
    fakes = write_folder(tmp_path / "mixed", files)
    found = small_evaluation(fakes, two_folders(tmp_path)[0], tmp_path / "out")
    assert found.result.stamp.fake_count == 24
    (text,) = found.warnings
    assert "The fake pictures have 12 different sizes" in text


def test_mixed_formats_are_in_the_result(tmp_path: Path) -> None:
    reals, _ = two_folders(tmp_path, 12)
    fakes = write_folder(tmp_path / "jpg", {f"{row}.jpg": encoded(noise(row), "JPEG") for row in range(12)})
    found = small_evaluation(fakes, reals, tmp_path / "out")
    (text,) = [text for text in found.warnings if "JPEG" in text]
    assert text.startswith("The reals are PNG, the fakes JPEG")
    assert text in json.loads(found.file.read_bytes())["warnings"]
    assert text in found.page.read_text(encoding="utf-8")


def test_unreadable_pictures_are_counted_and_listed(tmp_path: Path) -> None:
    reals = plain_folder(tmp_path / "reals", 80)
    for row in (3, 14, 15, 72):
        (reals / f"{row:03d}.png").write_bytes(picture(row)[:60])
    fakes = two_folders(tmp_path / "x", 12)[1]
    found = small_evaluation(fakes, reals, tmp_path / "out")
    assert (found.result.stamp.real_count, found.result.stamp.fake_count) == (76, 12)
    (text,) = found.warnings
    assert text == "4 reals cannot be read and are left out: '003.png', '014.png', '015.png', …."
    again = small_evaluation(fakes, reals, tmp_path / "out")
    assert again.warnings == found.warnings, "the cache knows them, too"
    (reals / "040.png").write_bytes(picture(40)[:60])
    with pytest.raises(DataError, match="5 of 80 pictures cannot be read"):
        small_evaluation(fakes, reals, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_damaged_pictures_of_a_run_are_listed(plain_run: Path, tmp_path: Path) -> None:
    data = plain_folder(tmp_path / "data", 60)
    (data / "011.png").write_bytes(b"nothing")
    found = small_evaluation(plain_run, data, tmp_path / "out", count=12)
    assert found.warnings == ("1 reals cannot be read and are left out: '011.png'.",)
    assert found.result.stamp.real_count == 59


@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("side", ["fakes", "reals"])
def test_few_pictures_are_refused(tmp_path: Path, count: int, side: str) -> None:
    few, enough = plain_folder(tmp_path / "few", count), plain_folder(tmp_path / "enough", 12)
    sides = (few, enough) if side == "fakes" else (enough, few)
    with pytest.raises(
        DataError, match=rf"'.*few' has too few readable pictures to score \({count}\); give 10 or more\.$"
    ):
        small_evaluation(*sides, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", ["fakes", "reals"])
def test_one_picture_repeated_is_refused(tmp_path: Path, side: str) -> None:
    one = write_folder(tmp_path / "one", {f"{row}.png": picture(0) for row in range(12)})
    enough = plain_folder(tmp_path / "enough", 12)
    sides = (one, enough) if side == "fakes" else (enough, one)
    with pytest.raises(DataError, match=f"All 12 {side} have the same features, as if one picture were repeated"):
        small_evaluation(*sides, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_features_that_are_not_finite_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_cache: Path
) -> None:
    """And never reach the cache."""
    reals, fakes = two_folders(tmp_path, 12)
    (reals / "017.png").write_bytes(encoded(np.full((8, 8, 3), 255, np.uint8)))

    def get_network(*words: object) -> Loaded:
        return mean_network(0.9)

    monkeypatch.setattr("ganvas.job.evaluate.get_network", get_network)
    with pytest.raises(DataError, match=r"no finite numbers for '017\.png'"):
        small_evaluation(fakes, reals, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (empty_cache / "features").exists()


def test_a_model_is_scored_under_the_labels_of_the_reals(class_run: Path, attribute_run: Path, tmp_path: Path) -> None:
    for run in (class_run, attribute_run):
        found = small_evaluation(run, None, tmp_path / "out", count=20)
        assert found.result.stamp.formats["fake"] == {"memory": 20}
    with pytest.raises(DataError, match="give the pictures it was trained on as --data"):
        small_evaluation(class_run, class_folder(tmp_path / "hats", ("coat", "hat")), tmp_path / "hats-out", count=20)
    assert not (tmp_path / "hats-out").exists()


def test_the_best_model_is_another_subject(plain_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(plain_run, tmp_path / "run")
    weights = (run / "model.safetensors").read_bytes()
    (run / "best.safetensors").write_bytes(weights)
    last, best = (small_evaluation(run, None, tmp_path / "out", count=20, best=best) for best in (False, True))
    assert last.result.scores == best.result.scores
    (run / "best.safetensors").write_bytes(b"damaged")
    small_evaluation(run, None, tmp_path / "out", count=20)
    with pytest.raises(FileError, match=r"best\.safetensors"):
        small_evaluation(run, None, tmp_path / "out", count=20, best=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"count": 9}, "--count is 9, but it must be 10 or more."),
        ({"groups": 1}, "--groups is 1, but it must be 2 or more."),
        ({"batch": 0}, "--batch is 0, but it must be 1 or more."),
        ({"seed": -1}, "--seed is -1, but it must be a whole number from 0 to 4294967295."),
        ({"seed": 2**64}, f"--seed is {2**64}, but"),
        ({"protocol": "cleen"}, "There is no protocol 'cleen'. Did you mean 'clean'? Choose from: clean, ganvas,"),
        ({"features": "randm"}, "There is no feature network 'randm'. Did you mean 'random'?"),
        ({"device": "abacus"}, "--device is 'abacus', but this machine has:"),
        ({"weights": Path("x")}, "The feature network 'random' is made from its seed and takes no weight file 'x'."),
        ({"features": "auto", "weights": Path("x")}, "--weights is 'x', but of which network?"),
        ({"features": "classifier"}, "The feature network 'classifier' is one of your own"),
    ],
)
def test_wrong_options(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    before = files_below(tmp_path)
    with pytest.raises(UsageError) as wrong:
        small_evaluation(fakes, reals, tmp_path / "out", **options)
    assert str(wrong.value).startswith(sentence)
    assert files_below(tmp_path) == before


def test_more_seeds_than_there_are(plain_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="A seed is 4294967296"):
        small_evaluation(plain_run, None, tmp_path / "out", count=20, seed=2**32 - 1)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"Cannot create the folder '.*file' .*choose another --out"):
        small_evaluation(fakes, reals, tmp_path / "file")
