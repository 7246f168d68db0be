import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from ganvas.errors import DataError, OutOfMemory, UsageError
from ganvas.events import Event, Packing
from ganvas.job import prepare
from ganvas.job.calibrate import Calibration
from ganvas.job.networks import Own
from ganvas.job.prepare import Plan, Request, duration, make_plan, parameter_counts
from ganvas.job.recipe import gather
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from tests.data.pictures import write_folder
from tests.runs import SMALL, class_folder, plain_folder, table_folder

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("quick")


def planned(pictures: Path, options: Mapping[str, Any] = SMALL, own: Own = Own(), **request: Any) -> Plan:
    return make_plan(Request(pictures, **request), gather(options), CPU, World(), own, lambda event: None)


def measured(monkeypatch: pytest.MonkeyPatch, cost: Calibration) -> None:
    monkeypatch.setattr(prepare, "calibrate", lambda *arguments: cost)


def test_the_plan_fits_the_pictures(tmp_path: Path) -> None:
    plan = planned(plain_folder(tmp_path / "x", 30, 10, 14, 4))
    assert (plan.config.data.size, plan.config.data.channels, plan.picture_count) == ((10, 14), 4, 30)
    assert plan.labels.startswith("none labels")
    assert planned(class_folder(tmp_path / "y")).labels == "class labels (sub-folders)"
    assert planned(table_folder(tmp_path / "z")).labels == "attributes labels (labels.csv)"
    assert planned(tmp_path / "y", {**SMALL, "labels": "none"}).labels.startswith("none labels")


def test_nothing_but_the_network_is_left_to_chance_on_a_cpu(tmp_path: Path) -> None:
    """Large pictures come down to what the device can do."""
    plan = planned(plain_folder(tmp_path / "x", 12, 200, 100), {"network": "mlp", "width": 4, "precision": "float32"})
    assert plan.config.data.size == (64, 32)


def test_weights_are_counted(tmp_path: Path) -> None:
    plan = planned(plain_folder(tmp_path / "x", 20), {**SMALL, "network": "mlp", "width": 5, "blocks": 2})
    pixels = 8 * 8 * 3
    assert plan.parameters["generator"] == (4 * 5 + 5) + (5 * 5 + 5) + (5 * pixels + pixels)
    own = torch.nn.Linear(3, 4)
    assert parameter_counts({"x": own}) == {"x": 16}


def test_the_plan_in_words_and_in_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, Calibration(step_s=0.5, tick_s=1.0, memory_bytes=2 * 10**9, state_bytes=10**7))
    options = {**SMALL, "kimg": 4.0, "micro_batch": 2, "augment": "flip,shift", "tick_every": 0.4}
    plan = planned(plain_folder(tmp_path / "x", 20, 8, 12), options)
    lines = dict(plan.lines())
    assert lines["shape"] == "8x12, 3 channels, crop"
    assert lines["networks"].startswith("fast, width 4 (generator 0.0")
    assert "augmentation flip,shift (cosine)" in lines["game"]
    assert lines["steps"].startswith("batch 4 in parts of 2, lr 0.0005 to 0.0005, float32 on cpu")
    assert lines["budget"] == "4 kimg: about 8 minutes"  # 1,000 steps of half a second, ten ticks of one
    assert lines["speed"] == "8 images a second"
    assert (lines["memory"], lines["disk"]) == ("2.0 GB", "30 MB of checkpoints")
    values = plan.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert (values["predicted_s"], values["images_per_s"]) == (510.0, 8.0)
    assert (values["predicted_memory_bytes"], values["predicted_disk_bytes"]) == (2 * 10**9, 3 * 10**7)
    assert values["config"]["size"] == [8, 12]
    measured(monkeypatch, Calibration(0.5, 1.0, None, 0))
    assert dict(planned(tmp_path / "x", options).lines())["memory"] == "unknown on this system"


def test_minutes_become_the_budget_and_its_schedules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, Calibration(0.5, 0.0, None, 0))
    options = {key: value for key, value in SMALL.items() if key in ("network", "width", "batch", "precision")}
    training = planned(plain_folder(tmp_path / "x", 20), options, minutes=10).config.training
    assert training.kimg == 4.8  # 1,200 steps of 4
    assert (training.burn_in_kimg, training.sample_every_kimg) == (4.8, 0.24)


def test_parts_of_the_batch_shrink_until_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, tried = plain_folder(tmp_path / "x", 20), []

    def only_two_fit(task: Any, config: TrainConfig, *rest: Any) -> Calibration:
        tried.append(config.training.micro_batch)
        if config.training.micro_batch > 2:
            raise OutOfMemory("too little")
        return Calibration(0.5, 0.0, None, 0)

    monkeypatch.setattr(prepare, "calibrate", only_two_fit)
    with pytest.raises(OutOfMemory):
        planned(folder, {**SMALL, "batch": 12})
    options = {key: value for key, value in {**SMALL, "batch": 12}.items() if key != "kimg"}
    plan = planned(folder, options, auto_batch=True, minutes=1)
    assert tried == [12, 12, 6, 3, 1]
    assert (plan.config.training.batch, plan.config.training.micro_batch) == (12, 1)


def test_not_even_one_picture_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_fits(*arguments: Any) -> Calibration:
        raise OutOfMemory("too little")

    monkeypatch.setattr(prepare, "calibrate", nothing_fits)
    with pytest.raises(OutOfMemory):
        planned(plain_folder(tmp_path / "x", 20), auto_batch=True)


def test_too_many_broken_pictures_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, Calibration(0.5, 0.0, None, 0))
    folder = plain_folder(tmp_path / "x", 40)
    write_folder(folder, {f"{row:03d}.png": b"no picture" for row in range(2)})
    assert planned(folder).picture_count == 38  # 5 %
    write_folder(folder, {"002.png": b"no picture"})
    with pytest.raises(DataError, match=r"3 of 40 pictures .*'ganvas check"):
        planned(folder)


def test_options_that_do_not_fit_each_other(tmp_path: Path) -> None:
    folder = plain_folder(tmp_path / "x", 20, 32, 32)
    with pytest.raises(UsageError, match="BatchNorm"):
        planned(folder, {**SMALL, "network": "dcgan", "batchnorm": True})
    with pytest.raises(UsageError, match="3x3 pixels are too small"):
        planned(folder, {**SMALL, "size": 3})


def test_reading_is_reported(tmp_path: Path) -> None:
    events: list[Event] = []
    folder = plain_folder(tmp_path / "x", 20)
    make_plan(Request(folder), gather(SMALL), CPU, World(), Own(), events.append)
    assert events == [Packing(done, 20) for done in range(1, 21)]


def test_planning_leaves_the_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    planned(plain_folder(tmp_path / "x", 20))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (89, "89 seconds"), (90, "2 minutes"), (3600, "60 minutes"), (9000, "2.5 hours")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == f"about {words}"
