import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ganvas.data.item import Unreadable
from ganvas.errors import DataError, FileError, GanvasError, UsageError
from ganvas.events import Event, Packing, Warned
from ganvas.files import file_hash
from ganvas.job.painted import PaintedPictures
from ganvas.job.subject import MOST, Subject, find_subject, is_model
from ganvas.metric.pictures import PackedPictures
from ganvas.model.load import load_model
from tests.data.pictures import encoded, noise, write_folder, write_npy, write_zip
from tests.photo_models import write_model
from tests.runs import class_folder, picture, plain_folder, small_train


def find(
    path: Path,
    data: Path | None = None,
    *,
    events: list[Event] | None = None,
    best: bool = False,
    count: int | None = None,
    labels: str | None = None,
) -> Subject:
    return find_subject(
        path,
        data,
        best=best,
        count=count,
        first_seed=0,
        labels=labels,
        device="cpu",
        report=(events if events is not None else []).append,
    )


def warned(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Warned)]


def jpegs(path: Path, count: int = 12, start: int = 0) -> Path:
    return write_folder(path, {f"{row:03d}.jpg": encoded(noise(row, 8, 8), "JPEG") for row in range(start, count)})


def test_pictures_against_pictures(tmp_path: Path) -> None:
    events: list[Event] = []
    reals, fakes = plain_folder(tmp_path / "reals", 5), plain_folder(tmp_path / "fakes", 3)
    found = find(fakes, reals, events=events)
    assert (found.name, found.reals_name) == (str(fakes), str(reals))
    assert (found.fakes.names, len(found.reals.names)) == (("000.png", "001.png", "002.png"), 5)
    assert found.formats == {"real": {"PNG": 5}, "fake": {"PNG": 3}}
    assert events == []


def test_the_key_of_files_is_their_content(tmp_path: Path) -> None:
    one, two = plain_folder(tmp_path / "one", 5), plain_folder(tmp_path / "two", 5)
    key = find(one, two).reals.key
    assert find(two, one).reals.key == key
    (two / "003.png").write_bytes(picture(3)[:-1] + b"x")
    assert find(one, two).reals.key != key


def test_formats_on_either_side_that_differ_are_told(tmp_path: Path) -> None:
    events: list[Event] = []
    found = find(plain_folder(tmp_path / "png", 12), jpegs(tmp_path / "jpg"), events=events)
    assert found.formats == {"real": {"JPEG": 12}, "fake": {"PNG": 12}}
    (text,) = warned(events)
    assert text.startswith("The reals are JPEG, the fakes PNG: compression alone moves a Fréchet distance")


@pytest.mark.parametrize("side", ["real", "fake"])
def test_formats_mixed_within_a_side_are_told(tmp_path: Path, side: str) -> None:
    mixed = jpegs(plain_folder(tmp_path / "mixed", 4), 12, 4)
    sides = (mixed, plain_folder(tmp_path / "png", 12))
    events: list[Event] = []
    find(*(sides if side == "fake" else sides[::-1]), events=events)
    texts = warned(events)
    assert texts[0] == f"The {side} pictures mix JPEG, PNG: compression is measured along with them."
    assert len(texts) == 2, "and the sides differ"


def test_sizes_mixed_within_a_side_are_told(tmp_path: Path) -> None:
    mixed = write_folder(plain_folder(tmp_path / "mixed", 4), {"x.png": picture(9, 7, 9), "y.png": picture(8, 9, 7)})
    events: list[Event] = []
    find(mixed, plain_folder(tmp_path / "reals", 4), events=events)
    (text,) = warned(events)
    assert text.startswith("The fake pictures have 3 different sizes; each is resized")


def test_an_archive_or_an_array_will_do(tmp_path: Path) -> None:
    arrays = [noise(row, 8, 8) for row in range(5)]
    packed = write_zip(tmp_path / "x.zip", {f"{row}.png": encoded(one) for row, one in enumerate(arrays)})
    found = find(packed, write_npy(tmp_path / "x.npy", np.stack(arrays)))
    assert found.formats == {"real": {"npy": 5}, "fake": {"PNG": 5}}
    np.testing.assert_array_equal(found.fakes.read(3), found.reals.read(3))


def test_pictures_need_reals_to_be_measured_by(tmp_path: Path) -> None:
    fakes = plain_folder(tmp_path / "fakes", 3)
    with pytest.raises(DataError, match="neither a run nor a model; say with --data"):
        find(fakes)
    with pytest.raises(DataError, match=r"There is nothing at '.*typo'"):
        find(tmp_path / "typo")
    with pytest.raises(DataError, match=r"There is nothing at '.*typo'"):
        find(fakes, tmp_path / "typo")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"There are no pictures in '.*empty'"):
        find(fakes, tmp_path / "empty")
    with pytest.raises(DataError, match="None of the 2 pictures"):
        find(fakes, write_folder(tmp_path / "bad", {"1.png": b"no", "2.png": b"no"}))


def test_options_for_models_are_refused_for_pictures(tmp_path: Path) -> None:
    fakes = plain_folder(tmp_path / "fakes", 3)
    sentence = r" is for runs and models, but '.*fakes' holds pictures; leave it out\."
    with pytest.raises(UsageError, match=f"^--best{sentence}$"):
        find(fakes, fakes, best=True)
    with pytest.raises(UsageError, match=f"^--count 50{sentence}$"):
        find(fakes, fakes, count=50)
    with pytest.raises(UsageError, match=f"^--labels folders{sentence}$"):
        find(fakes, fakes, labels="folders")


def test_a_run_finds_its_own_pictures(
    plain_run: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is asked from; in the form it was trained on, and so from the cache."""
    monkeypatch.chdir(tmp_path)
    events: list[Event] = []
    found = find(plain_run, events=events)
    assert found.reals_name == str(pictures)
    assert isinstance(found.reals, PackedPictures)
    assert found.reals.key == load_model(plain_run / "model.safetensors").descriptor.card["data_key"]
    assert not [event for event in events if isinstance(event, Packing)]
    assert warned(events) == []
    assert found.formats == {"real": {"PNG": 60}, "fake": {"memory": 2000}}
    assert len(found.fakes.names) == 2000, "60 reals are few, fakes cost nothing"
    assert find(plain_run / "model.safetensors").reals_name == str(pictures)
    assert find(plain_run, pictures, count=17).formats["fake"] == {"memory": 17}


def test_labels_for_a_model_without_labels_are_refused(plain_run: Path) -> None:
    with pytest.raises(UsageError, match=r"--labels is folders, but '.*' paints without labels; leave it out"):
        find(plain_run, labels="folders")


def test_as_many_fakes_as_reals_within_reason(plain_run: Path, tmp_path: Path) -> None:
    for count, painted in ((2500, 2500), (MOST + 1, MOST)):
        data = write_npy(tmp_path / f"{count}.npy", np.zeros((count, 8, 8, 3), np.uint8))
        assert len(find(plain_run, data).fakes.names) == painted


def test_the_best_model_or_the_last(plain_run: Path) -> None:
    for best, name in ((True, "best.safetensors"), (False, "model.safetensors")):
        fakes = find(plain_run, best=best).fakes
        assert isinstance(fakes, PaintedPictures)
        assert fakes.model_key == file_hash(plain_run / name)
    with pytest.raises(UsageError, match="--best picks a model from a run folder"):
        find(plain_run / "model.safetensors", best=True)


def test_a_run_of_another_fit_has_its_reals_in_that(tmp_path: Path, quick: None) -> None:
    run = small_train(
        plain_folder(tmp_path / "x", 12, 8, 12), tmp_path / "runs", size=(8, 8), fit="stretch", kimg=0.008
    )
    reals = find(run).reals
    assert isinstance(reals, PackedPictures)
    assert reals.key == load_model(run / "model.safetensors").descriptor.card["data_key"]


def test_pictures_that_moved(plain_run: Path, pictures: Path, tmp_path: Path) -> None:
    run = shutil.copytree(plain_run, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["asked"]["pictures"] = str(tmp_path / "gone")
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"The run's pictures are no longer at '.*gone'; say with --data where"):
        find(run)
    assert find(run, pictures).reals_name == str(pictures)
    moved = shutil.copy(plain_run / "model.safetensors", tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="does not lie in its run; say with --data"):
        find(Path(moved))
    assert find(Path(moved), pictures).reals_name == str(pictures)


@pytest.mark.parametrize("record", ["{}", '{"asked": 3}', "no JSON"])
def test_a_record_that_is_damaged(plain_run: Path, tmp_path: Path, record: str) -> None:
    run = shutil.copytree(plain_run, tmp_path / "run")
    (run / "run.json").write_text(record)
    with pytest.raises(GanvasError, match="--data"):
        find(run)


def test_a_run_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert is_model(tmp_path)
    with pytest.raises(FileError, match=r"model\.safetensors"):
        find(tmp_path)


def test_what_is_wrong_with_the_reals_of_a_model_is_told(plain_run: Path, tmp_path: Path) -> None:
    """As for pictures against pictures: formats, and what is missing."""
    data = jpegs(plain_folder(tmp_path / "data", 38), 40, 38)
    (data / "007.png").write_bytes(picture(7)[:70])
    events: list[Event] = []
    found = find(plain_run, data, events=events)
    texts = warned(events)
    assert "1 reals cannot be read and are left out: '007.png'." in texts
    assert "The real pictures mix PNG, JPEG: compression is measured along with them." in texts
    assert len(texts) == 2
    assert len(found.reals.names) == 39
    assert not [one for one in found.reals.each(lambda levels: levels) if isinstance(one, Unreadable)]


def test_reals_of_other_labels_are_refused(class_run: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The reals have no labels, but"):
        find(class_run, pictures)
    with pytest.raises(DataError, match=r"\(coat, hat\), but the model was trained with class labels \(coat, dress"):
        find(class_run, class_folder(tmp_path / "hats", ("coat", "hat")))
    table = tmp_path / "table.csv"
    rows = "".join(f"{row:03d}.png,{('coat', 'dress', 'shoe')[row % 3]}\n" for row in range(60))
    table.write_text("file,class\n" + rows)
    found = find(class_run, pictures, labels=str(table))
    assert isinstance(found.fakes, PaintedPictures)
    assert found.fakes.conditions.shape == (2000, 3)


@pytest.mark.parametrize(
    ("task", "way_out"),
    [
        ("upscale", "ganvas upscale PHOTOS --model {file} --out PAINTED, .* ganvas evaluate PAINTED --data .* --pairs"),
        ("restore", "ganvas restore PHOTOS --model {file} --out PAINTED, .* ganvas evaluate PAINTED --data .* --pairs"),
        ("repair", "ganvas repair PHOTOS --mask MASKS --model {file} --out PAINTED, .* --pairs"),
        ("find-scratches", "see scores.jsonl in its run folder"),
    ],
)
def test_a_model_of_photographs_is_measured_by_pairs(tmp_path: Path, pictures: Path, task: str, way_out: str) -> None:
    file = write_model(tmp_path / "model.safetensors", task)
    for path in (file, tmp_path):
        for data in (None, pictures):
            with pytest.raises(UsageError, match=f"'{file}' is a model for '{task}', .*{way_out.format(file=file)}"):
                find(path, data)
