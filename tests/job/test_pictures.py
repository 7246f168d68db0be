from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganvas.data.sampler import MIN_FOR_HELDOUT
from ganvas.draw import Draw
from ganvas.errors import DataError
from ganvas.events import Event, Warned
from ganvas.job.pictures import changed_data, data_record, list_unreadable, packed_pictures, refuse_other_labels, split
from ganvas.job.plan import Pictures, complete
from ganvas.job.prepare import Request
from ganvas.training.config import TrainConfig
from ganvas.training.run import RunFolder
from tests.data.pictures import noise, write_folder, write_npy
from tests.runs import class_folder, picture, plain_folder

CPU = torch.device("cpu")


def config(**given: object) -> TrainConfig:
    return complete({"network": "mlp", **given}, Pictures(60, (8, 8), 3), CPU)


def test_packed_as_configured(tmp_path: Path) -> None:
    request = Request(class_folder(tmp_path / "x"))
    events: list[Event] = []
    dataset = packed_pictures(request, config(size=(6, 4), channels=1), events.append)
    assert dataset.images.shape == (60, 6, 4, 1)
    assert dataset.labels.names == ("coat", "dress", "shoe")
    assert packed_pictures(request, config(labels="none"), events.append).labels.kind == "none"
    exact = packed_pictures(request, config(), events.append)
    index = exact.names.index("dress/001.png")
    np.testing.assert_array_equal(exact.images[index], noise(1, 8, 8))


def test_a_record_tells_contents_apart(tmp_path: Path) -> None:
    first = packed_pictures(Request(plain_folder(tmp_path / "a", 10)), config(), lambda event: None)
    same = packed_pictures(Request(plain_folder(tmp_path / "b", 10)), config(), lambda event: None)
    more = packed_pictures(Request(plain_folder(tmp_path / "c", 11)), config(), lambda event: None)
    assert data_record(first) == data_record(same) != data_record(more)
    assert data_record(more)["pictures"] == 11


def test_other_labels_are_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    refuse_other_labels(run, {"labels": ["a", "b"], "key": "1"}, {"labels": ["a", "b"], "key": "2"})
    with pytest.raises(DataError, match=r"labels are now a, c, but .* was started with a, b; pass --resume never"):
        refuse_other_labels(run, {"labels": ["a", "b"]}, {"labels": ["a", "c"]})
    with pytest.raises(DataError, match="labels are now none"):
        refuse_other_labels(run, {"labels": ["a", "b"]}, {"labels": []})


def test_a_record_tells_values_of_labels_apart(tmp_path: Path) -> None:
    def record(name: str, table: str) -> dict[str, Any]:
        folder = write_folder(plain_folder(tmp_path / name, 3), {"labels.csv": table.encode()})
        return data_record(packed_pictures(Request(folder), config(), lambda event: None))

    classes = record("a", "file,class\n000.png,x\n001.png,y\n002.png,y\n")
    assert classes == record("b", "file,class\n002.png,y\n001.png,y\n000.png,x\n")
    other = record("c", "file,class\n000.png,y\n001.png,x\n002.png,y\n")
    assert {key for key in classes if classes[key] != other[key]} == {"label_values"}
    numbers = record("d", "file,age\n000.png,1\n001.png,2\n002.png,3\n")
    older = record("e", "file,age\n000.png,1\n001.png,2\n002.png,4\n")
    assert {key for key in numbers if numbers[key] != older[key]} == {"label_values"}


def test_changes_are_said_once(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    before: dict[str, Any] = {"key": "1", "pictures": 5, "labels": ["a"], "label_values": "h"}
    assert changed_data(run, before, dict(before)) is None
    more = changed_data(run, before, {**before, "key": "2", "pictures": 6, "label_values": "i"})
    assert (
        more == f"The 6 pictures are not the 5 that '{tmp_path}' was started with; it goes on with what is there now."
    )
    other = changed_data(run, before, {**before, "label_values": "i"})
    assert other is not None
    assert other.startswith(f"The labels of the 5 pictures are not those that '{tmp_path}' was started with;")
    with pytest.raises(DataError, match="labels are now b"):
        changed_data(run, before, {**before, "labels": ["b"]})


def test_unreadable_pictures_are_listed_and_counted(tmp_path: Path) -> None:
    folder = plain_folder(tmp_path / "x", 60)
    write_folder(folder, {"003.png": b"no picture", "017.png": picture(17)[:90]})
    dataset = packed_pictures(Request(folder), config(), lambda event: None)
    events: list[Event] = []
    list_unreadable(RunFolder(tmp_path), dataset, events.append)
    listed = (tmp_path / "unreadable.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in listed] == ["003.png", "017.png"]
    (event,) = events
    assert isinstance(event, Warned)
    assert event.text.startswith("2 pictures cannot be read")


def test_whole_sets_are_not_mentioned(tmp_path: Path) -> None:
    dataset = packed_pictures(Request(plain_folder(tmp_path / "x", 10)), config(), lambda event: None)
    events: list[Event] = []
    list_unreadable(RunFolder(tmp_path), dataset, events.append)
    assert events == []
    assert not (tmp_path / "unreadable.txt").exists()


def test_no_picture_is_both_trained_on_and_held_out(tmp_path: Path) -> None:
    count = MIN_FOR_HELDOUT
    path = write_npy(tmp_path / "x.npy", np.stack([noise(row, 8, 8) for row in range(count)]))
    dataset = packed_pictures(Request(path), config(), lambda event: None)
    data = split(dataset, config(mirror=True), CPU)
    assert data.heldout is not None
    training = set(data.training.at(0, Draw(0, 2 * count))["index"].tolist())
    heldout = set(data.heldout.at(0, Draw(0, count))["index"].tolist())
    assert len(training) + len(heldout) == count
    assert not training & heldout
    assert len(heldout) == count // 20
    few = packed_pictures(Request(plain_folder(tmp_path / "few", 10)), config(), lambda event: None)
    assert split(few, config(), CPU).heldout is None
