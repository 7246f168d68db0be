import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganvas.errors import DataError, OutOfMemory, UsageError
from ganvas.events import Event, Packing
from ganvas.job import prepare
from ganvas.job.calibrate import Calibration
from ganvas.job.networks import Own
from ganvas.job.plan import Pictures, complete
from ganvas.job.prepare import Plan, Request, duration, game, make_plan, parameter_counts
from ganvas.job.recipe import gather
from ganvas.network.features import Loaded, load_feature_network
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
    assert plan.labels.startswith("no labels (")
    assert planned(class_folder(tmp_path / "y")).labels == "class labels (sub-folders)"
    assert planned(table_folder(tmp_path / "z")).labels == "attribute labels (labels.csv)"
    assert planned(tmp_path / "y", {**SMALL, "labels": "none"}).labels.startswith("no labels (")


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
    measured(monkeypatch, Calibration(0.5, 1.0, memory_bytes=2 * 10**9, state_bytes=10**7, model_bytes=10**6))
    monkeypatch.setattr(prepare, "memory_bytes", lambda device: 9 * 10**9)
    options = {**SMALL, "kimg": 4.0, "micro_batch": 2, "augment": "flip,shift", "tick_every": 0.4}
    plan = planned(plain_folder(tmp_path / "x", 20, 8, 12), options)
    lines = dict(plan.lines())
    assert lines["shape"] == "8x12, 3 channels, crop"
    assert lines["networks"].startswith("fast, width 4 (generator 0.0")
    assert "augmentation flip,shift (cosine)" in lines["game"]
    assert lines["steps"].startswith("batch 4 in parts of 2, lr 0.0005 to 0.000125, float32 on cpu")
    assert lines["budget"] == "4 kimg: about 8 minutes"  # 1,000 steps of half a second, ten ticks of one
    assert lines["speed"] == "8 images a second"
    assert lines["memory"] == "2.0 GB of the 9.0 GB that are free"
    assert lines["disk"] == "32 MB: 3 checkpoints and two models"
    values = plan.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert (values["predicted_s"], values["images_per_s"]) == (510.0, 8.0)
    assert (values["predicted_memory_bytes"], values["free_memory_bytes"]) == (2 * 10**9, 9 * 10**9)
    assert values["predicted_disk_bytes"] == 32 * 10**6
    assert values["config"]["size"] == [8, 12]
    measured(monkeypatch, Calibration(0.5, 1.0, None, 0))
    assert dict(planned(tmp_path / "x", options).lines())["memory"] == "unknown on this system"


def test_minutes_become_the_budget_and_its_schedules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, Calibration(0.5, 0.0, None, 0))
    options = {key: value for key, value in SMALL.items() if key in ("network", "width", "batch", "precision")}
    training = planned(plain_folder(tmp_path / "x", 20), options, minutes=10).config.training
    assert training.kimg == 4.8  # 1,200 steps of 4
    assert (training.burn_in_kimg, training.sample_every_kimg) == (4.8, 0.24)


def test_few_minutes_take_a_smaller_batch_and_are_measured_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_batch(task: Any, config: TrainConfig, *others: Any) -> Calibration:
        return Calibration({64: 1.0, 32: 0.6, 16: 0.5}[config.training.batch], 0.0, None, 0)

    monkeypatch.setattr(prepare, "calibrate", by_batch)
    options = {key: value for key, value in SMALL.items() if key in ("network", "width", "precision")}
    folder = plain_folder(tmp_path / "x", 20)
    short = planned(folder, options, minutes=10).config.training
    assert (short.batch, short.micro_batch, short.kimg) == (16, 16, 19.0)  # 1,200 steps of half a second
    given = planned(folder, {**options, "batch": 64}, minutes=10).config.training
    assert (given.batch, given.kimg) == (64, 38.0)


def scored(monkeypatch: pytest.MonkeyPatch, cost: Calibration) -> list[Any]:
    """Scores by a network that needs no weights."""
    asked: list[Any] = []

    def get_network(name: str, *_: Any) -> Loaded:
        asked.append(name)
        return replace(load_feature_network("random"), name=name)

    def calibrate(*given: Any) -> Calibration:
        asked.append(given[-1])
        return cost

    monkeypatch.setattr(prepare, "get_network", get_network)
    monkeypatch.setattr(prepare, "calibrate", calibrate)
    return asked


def test_scores_by_a_feature_network_are_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scored(monkeypatch, Calibration(0.5, 0.0, None, 0, score_s=20.0, reals_s=60.0))
    folder, options = plain_folder(tmp_path / "x", 20), {**SMALL, "kimg": 8.0}
    plan = planned(folder, {**options, "features": "mobilenet-v2", "evaluate_every": 2.0})
    assert asked[0] == "mobilenet-v2"
    assert len(asked[1].reals) == 20
    assert plan.to_dict()["predicted_scoring_s"] == 160  # five scores
    assert plan.to_dict()["predicted_s"] == 1160
    budget = "8 kimg: about 19 minutes, about 3 minutes of them for scores by mobilenet-v2"
    assert dict(plan.lines())["budget"] == budget
    plan = planned(folder, options)
    assert asked[2:] == [None]
    measured(monkeypatch, Calibration(0.5, 0.0, None, 0))
    assert dict(planned(folder, options).lines())["budget"] == "8 kimg: about 17 minutes"


def test_scores_take_a_tenth_of_the_steps_unless_told_how_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, Calibration(0.5, 0.0, None, 0, score_s=20.0, reals_s=60.0))
    free = {key: value for key, value in SMALL.items() if key in ("network", "width", "batch", "precision")}
    options, folder = {**free, "features": "mobilenet-v2"}, plain_folder(tmp_path / "x", 20)
    plan = planned(folder, options, minutes=60)
    steps = 4 * plan.config.training.evaluate_every_kimg * 1000 / 16  # of four pictures
    assert steps == pytest.approx(400)  # 200 s of steps a score of 20 s
    assert plan.calibration.run_s(plan.config) == pytest.approx(3600, rel=0.06)
    plan = planned(folder, {**options, "kimg": 400.0})
    assert plan.config.training.evaluate_every_kimg == plan.config.training.checkpoint_every_kimg
    assert planned(folder, {**options, "evaluate_every": 0.1}, minutes=60).config.training.evaluate_every_kimg == 0.1


def test_a_power_cut_costs_little_and_of_a_run_on_photographs_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, Calibration(0.5, 0.0, None, 0))
    folder = plain_folder(tmp_path / "x", 20, 40, 40)
    paces = {}
    for kind in ("generate", "restore"):
        options = {"task": kind, "size": 16, "batch": 4, "precision": "float32", "width": 4}
        training = planned(folder, options, minutes=600).config.training
        assert training.evaluate_every_kimg == pytest.approx(7.2, rel=0.01)
        paces[kind] = training.checkpoint_every_kimg * 1000 / 4 * 0.5
    assert paces == {"generate": pytest.approx(900), "restore": pytest.approx(120)}


def test_the_plan_says_what_plays_a_part() -> None:
    def words(**given: Any) -> str:
        return game(complete(given, Pictures(100, (8, 8), 3), CPU).training)

    both = {"gamma": 1.0, "gamma_final": 0.1}
    assert words(**both) == "relativistic, r1+r2 (exact), gamma 1 to 0.1"
    along = words(penalty="r1", estimator="directional", gamma=2.0, gamma_final=2.0)
    assert along == "relativistic, r1 (directional), gamma 2"
    assert words(loss="wasserstein", penalty="wgan-gp", **both) == "wasserstein, wgan-gp, gamma 1 to 0.1"
    assert words(loss="wasserstein", penalty="clip", **both) == "wasserstein, weights clipped to 0.01"
    assert words(loss="hinge", penalty="none", **both) == "hinge, no penalty"
    assert words(penalty="none", augment=("flip",)) == "relativistic, no penalty, augmentation flip (cosine)"


class Memory:
    """A measuring that needs so many bytes a picture worked on at once, on top of those of the weights."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int, weights: int = 0, picture: int = 10) -> None:
        self.free, self.weights, self.picture = free, weights, picture
        self.tried: list[int] = []
        monkeypatch.setattr(prepare, "calibrate", self.calibrate)
        monkeypatch.setattr(prepare, "memory_bytes", lambda device: free)

    def calibrate(self, task: Any, config: TrainConfig, *rest: Any) -> Calibration:
        rows = config.training.micro_batch
        self.tried.append(rows)
        needed = self.weights + self.picture * rows
        if needed > self.free:
            raise OutOfMemory("too little")
        return Calibration(0.5, 0.0, needed, 0)


def test_parts_that_nobody_chose_leave_a_fifth_of_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plain_folder(tmp_path / "x", 20)
    memory = Memory(monkeypatch, free=200)
    plan = planned(folder, {**SMALL, "batch": 16})  # 160 of 200: just enough
    assert (memory.tried, plan.config.training.micro_batch, plan.parts_for_memory) == ([16], 16, False)
    memory = Memory(monkeypatch, free=190)
    plan = planned(folder, {**SMALL, "batch": 16})
    assert (memory.tried, plan.config.training.micro_batch, plan.config.training.batch) == ([16, 8], 8, 16)
    assert dict(plan.lines())["steps"].startswith("batch 16 in parts of 8, to fit the memory, lr")
    memory = Memory(monkeypatch, free=60)
    plan = planned(folder, {**SMALL, "batch": 16})  # the first does not even run
    assert (memory.tried, plan.config.training.micro_batch) == ([16, 8, 4], 4)
    chosen = planned(folder, {**SMALL, "batch": 16, "micro_batch": 6})
    assert (memory.tried[3:], chosen.config.training.micro_batch) == ([6], 6)
    assert "to fit the memory" not in dict(chosen.lines())["steps"]


def test_parts_do_not_shrink_where_it_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(monkeypatch, free=1000, weights=900, picture=1)
    plan = planned(plain_folder(tmp_path / "x", 20), {**SMALL, "batch": 16})
    assert (memory.tried, plan.config.training.micro_batch, plan.parts_for_memory) == ([16, 8], 16, False)


def test_processes_share_the_memory_of_a_machine_and_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plain_folder(tmp_path / "x", 20)
    seen: list[int] = []
    monkeypatch.setattr(prepare, "memory_bytes", lambda device: 1000)

    def calibrate(
        task: Any, config: TrainConfig, label_dim: int, device: torch.device, world: World, *_: Any
    ) -> Calibration:
        seen.append(world.size)
        return Calibration(0.5, 0.0, 10, 0)

    monkeypatch.setattr(prepare, "calibrate", calibrate)
    given = gather({**{key: value for key, value in SMALL.items() if key != "kimg"}, "batch": 8})
    plan = make_plan(Request(folder, minutes=1), given, CPU, World(0, 4), Own(), lambda event: None)
    assert (seen, plan.free_bytes) == ([4], 250)
    assert plan.config.training.kimg == 0.96  # 120 steps of the whole batch


def test_chosen_parts_shrink_when_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plain_folder(tmp_path / "x", 20)
    memory = Memory(monkeypatch, free=20)
    options = {**{key: value for key, value in SMALL.items() if key != "kimg"}, "batch": 12, "micro_batch": 12}
    with pytest.raises(OutOfMemory):
        planned(folder, options, minutes=1)
    plan = planned(folder, options, auto_batch=True, minutes=1)
    assert memory.tried == [12, 12, 6, 3, 1]
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


def test_a_score_that_nobody_gives_is_refused_before_there_is_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, Calibration(0.5, 0.0, None, 0))
    folder = plain_folder(tmp_path / "x", 20)
    with pytest.raises(UsageError, match=r"no score 'fid' to choose the best by\. .* random_feature_distance"):
        planned(folder, {**SMALL, "best_by": "fid"})
    planned(folder, {**SMALL, "features": "mobilenet-v2", "best_by": "mobilenet-v2-kd"})
    with pytest.raises(UsageError, match=r"no score 'mobilenet-v2-kd'"):
        planned(folder, {**SMALL, "best_by": "mobilenet-v2-kd"})


def test_options_that_do_not_fit_each_other(tmp_path: Path) -> None:
    folder = plain_folder(tmp_path / "x", 20, 32, 32)
    with pytest.raises(UsageError, match=r"--penalty is 'r1\+r2', .*BatchNorm.*pass --no-batchnorm, or --penalty none"):
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
