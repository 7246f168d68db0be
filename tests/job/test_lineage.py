import hashlib
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from ganvas.errors import FileError
from ganvas.job.lineage import MOST, lineage
from ganvas.model.descriptor import Descriptor, GeneratorSpec
from ganvas.model.load import read_descriptor
from ganvas.model.save import save_model
from tests.runs import after, small_train, try_train

pytestmark = pytest.mark.usefixtures("quick")


def model(path: Path, card: dict[str, Any]) -> Path:
    save_model(
        path,
        Descriptor("two-way", (8, 8), 3, 4, {"one": GeneratorSpec("custom", {})}, card=card),
        {"one": nn.Identity()},
    )
    return path


def test_a_card_names_the_models_behind_it_the_oldest_first(pictures: Path, tmp_path: Path) -> None:
    first = small_train(pictures, tmp_path / "1")
    second = try_train(pictures, tmp_path / "2", request={"start_from": first}, kimg=0.008).run
    with pytest.raises(KeyboardInterrupt):
        try_train(pictures, tmp_path / "3", request={"start_from": second}, interrupted=after(2))
    hashes = [hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest() for run in (first, second)]
    (second / "model.safetensors").unlink()  # a run that goes on remembers
    third = try_train(pictures, tmp_path / "3", request={"start_from": second}).model
    assert "started_from" not in read_descriptor(first / "model.safetensors").card
    told = read_descriptor(third).card["started_from"]
    assert [entry["sha256"] for entry in told] == hashes
    assert [entry["seen_kimg"] for entry in told] == [0.04, 0.008]
    assert {entry["pictures"] for entry in told} == {pictures.name}


def test_licence_and_data_go_along(tmp_path: Path) -> None:
    path = model(tmp_path / "a.safetensors", {"licence": "CC-BY-SA-4.0", "data": "42 photographs", "config": {"lr": 1}})
    (entry,) = lineage(path)
    assert set(entry) == {"sha256", "licence", "data"}
    assert entry["licence"] == "CC-BY-SA-4.0"


@pytest.mark.parametrize("earlier", ["x", 3, None, {"sha256": "x"}, ["x", 3], [{"licence": ["x"], "evil": "y"}]])
def test_a_card_that_tells_nonsense_gives_only_what_is_plain(tmp_path: Path, earlier: object) -> None:
    found = lineage(model(tmp_path / "a.safetensors", {"started_from": earlier, "seen_kimg": 2.5}))
    assert found[-1]["seen_kimg"] == 2.5
    assert all(entry == {} for entry in found[:-1])


def test_of_a_long_line_the_oldest_are_left_out(tmp_path: Path) -> None:
    earlier = [{"seen_kimg": float(number)} for number in range(MOST + 8)]
    found = lineage(model(tmp_path / "a.safetensors", {"started_from": earlier, "seen_kimg": -1.0}))
    assert [entry["seen_kimg"] for entry in found] == [*range(9, MOST + 8), -1]


def test_there_must_be_a_model(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no model file"):
        lineage(tmp_path)
