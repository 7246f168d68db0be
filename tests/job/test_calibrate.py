import itertools
from typing import Any

import pytest
import torch

from ganvas.data.labels import no_labels
from ganvas.draw import Draw
from ganvas.errors import UsageError
from ganvas.job import calibrate as module
from ganvas.job.calibrate import Calibration, MadeUp, calibrate, checkpoints_kept, kimg_for
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.job.score_model import FAKES, FeatureScore, made_up_score
from ganvas.network.features import load_feature_network
from ganvas.tensors import Levels
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState

CPU = torch.device("cpu")


def small(**given: Any) -> TrainConfig:
    base = {"network": "mlp", "width": 8, "latent_dim": 4, "precision": "float32", "batch": 4}
    return complete({**base, **given}, Pictures(100, (6, 10), 3), CPU)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("given", [{}, {"critic_steps": 2, "augment": ("flip", "shift")}, {"micro_batch": 2}])
def test_measures_a_throw_away_copy(given: dict[str, Any]) -> None:
    config = small(**given)
    task = build_task(config, no_labels(100, ""))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    cost = calibrate(task, config, 0, CPU, World())
    assert torch.equal(torch.get_rng_state(), before)
    assert cost.step_s > 0
    assert cost.tick_s > 0
    assert cost.memory_bytes is None or cost.memory_bytes > 10_000_000
    weights = sum(p.numel() for network in task.players().networks().values() for p in network.parameters())
    assert 3 * 4 * weights < cost.state_bytes  # weights and two moments each, in float32, and the average


@pytest.mark.usefixtures("quick")
def test_a_process_measures_its_share_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    config = small(batch=12)
    task = build_task(config, no_labels(100, ""))
    played: list[tuple[int, int]] = []

    def watched(table: Table, state: TrainingState) -> Any:
        played.append((table.options.batch, table.world.size))
        return play_step(table, state)

    monkeypatch.setattr(module, "play_step", watched)
    calibrate(task, config, 0, CPU, World(0, 4))
    assert set(played) == {(3, 1)}
    with pytest.raises(UsageError, match="--batch is 12, which does not divide over 5 processes"):
        calibrate(task, config, 0, CPU, World(0, 5))


@pytest.mark.usefixtures("quick")
def test_predicts_the_size_of_a_model() -> None:
    config = small()
    task = build_task(config, no_labels(100, ""))
    generator = task.players().generators["generator"]
    cost = calibrate(task, config, 0, CPU, World())
    assert cost.model_bytes == sum(tensor.nbytes for tensor in generator.state_dict().values())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, 3),  # the last two and the best
        ({"keep_last": 1}, 2),
        ({"keep_last": 50}, 21),  # all of them: one every 5 of 100 steps, and the first
        ({"keep_every_kimg": 0.2}, 3 + 6),  # and steps 0, 20 ... 100
        ({"keep_every_kimg": 0.08}, 3 + 3),  # every 8 steps, where there is a checkpoint: 0, 40, 80
        ({"checkpoint_every_kimg": 1.0, "keep_every_kimg": 0.01}, 2),
    ],
)
def test_kept_checkpoints_are_counted(given: dict[str, Any], kept: int) -> None:
    config = small(**{"kimg": 1.0, "batch": 10, "checkpoint_every_kimg": 0.05, **given})
    assert checkpoints_kept(config.training) == kept
    assert Calibration(1.0, 1.0, None, 1000, 30).disk_bytes(config) == kept * 1000 + 60


@pytest.mark.usefixtures("quick")
def test_predicts_the_size_of_a_checkpoint() -> None:
    config = small()
    task = build_task(config, no_labels(100, ""))
    state = TrainingState.begin(task.players(), config.training)
    before_the_first_step = sum(tensor.nbytes for tensor in state.tensors(World()).values())
    weights = [p for network in task.players().networks().values() for p in network.parameters()]
    moments = sum(2 * 4 * p.numel() + 4 for p in weights)  # Adam: two of the weight's shape and a step number
    assert calibrate(task, config, 0, CPU, World()).state_bytes == before_the_first_step + moments


def test_made_up_pictures_have_the_planned_shape() -> None:
    draw = Draw(0, 5)
    batch = MadeUp(small(), 0).at(0, draw)
    assert batch["image"].shape == (5, 3, 6, 10)
    assert batch["image"].abs().max() <= 1
    assert batch["index"].shape == (5,)
    assert "label" not in batch
    labels = MadeUp(small(), 3).at(0, draw)["label"]
    assert labels.shape == (5, 3)
    assert torch.equal(labels.sum(1), torch.ones(5))


def test_a_run_costs_its_steps_and_its_ticks() -> None:
    config = small(kimg=1.0, batch=10, tick_kimg=0.1)  # 100 steps, a tick every 10
    assert Calibration(2.0, 30.0, None, 0).run_s(config) == pytest.approx(100 * 2 + 10 * 30)
    config = small(kimg=1.0, batch=10, tick_kimg=0.1, critic_steps=5)  # 20 steps, a tick every 2
    assert Calibration(2.0, 30.0, None, 0).run_s(config) == pytest.approx(20 * 2 + 10 * 30)


@pytest.mark.parametrize(("minutes", "kimg"), [(1, 1.2), (10, 12.0), (0.001, 0.01)])
def test_minutes_become_kimg(minutes: float, kimg: float) -> None:
    def config_for(kimg: float) -> TrainConfig:
        return small(kimg=kimg, batch=10, tick_kimg=0.1)

    assert kimg_for(minutes, Calibration(0.2, 3.0, None, 0), config_for) == kimg  # half a second a step of 10 pictures


@pytest.mark.parametrize("cost", [Calibration(0.037, 2.0, None, 0), Calibration(0.037, 0.5, None, 0, 0, 0.8, 20.0)])
@pytest.mark.parametrize("minutes", [1, 7, 60, 600])
def test_the_budget_found_fills_the_time(cost: Calibration, minutes: float) -> None:
    """What happens so often a run, or once, is counted as such: twenty scores, a hundred ticks, one look at reals."""

    def config_for(kimg: float) -> TrainConfig:
        return small(kimg=kimg, batch=10)

    budget = kimg_for(minutes, cost, config_for)
    assert cost.run_s(config_for(budget)) == pytest.approx(60 * minutes, rel=0.06)  # two digits


def test_a_time_that_looks_alone_would_fill_leaves_one_step() -> None:
    cost = Calibration(0.1, 0.0, None, 0, score_s=1.0, reals_s=500.0)
    assert kimg_for(2, cost, lambda kimg: small(kimg=kimg, batch=10)) == 0.01


@pytest.mark.usefixtures("quick")
def test_a_score_is_measured_on_a_few_pictures_and_told_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    config = small()
    task = build_task(config, no_labels(100, ""))
    score = made_up_score(load_feature_network("random"), config, 0, 300, CPU)
    assert (len(score.reals), len(score.conditions)) == (300, FAKES)
    looks: list[int] = []
    looked = FeatureScore.looked

    def watched(self: FeatureScore, levels: Levels) -> torch.Tensor:
        looks.append(len(levels))
        return looked(self, levels)

    monkeypatch.setattr(FeatureScore, "looked", watched)
    durations = {"painted": 2.0, "looked": 0.5, "distances": 3.0}
    plain = calibrate(task, config, 0, CPU, World())
    assert (plain.score_s, plain.reals_s, looks) == (0.0, 0.0, [])
    cost = calibrate(task, config, 0, CPU, World(), score)
    assert set(looks) == {module.SCORED}
    assert len(looks) >= 2, "painted ones and reals"
    assert cost.score_s > 0
    assert cost.reals_s > 0

    def told(work: Any, device: torch.device, **_: int) -> float:
        return durations[next(name for name in durations if name in work.__code__.co_names)]

    monkeypatch.setattr(module, "_seconds", told)
    state = TrainingState.begin(task.players(), config.training)
    assert module._scoring(score, state, config, CPU) == (2.0 / 10 * FAKES + 3.0, 0.5 / 10 * 300)


def test_a_run_costs_its_scores_and_the_look_at_the_reals() -> None:
    cost = Calibration(2.0, 0.0, None, 0, score_s=7.0, reals_s=40.0)
    for every, scores in ((0.1, 11), (0.3, 5), (5.0, 2)):  # one before the first step, the last always at the end
        config = small(kimg=1.0, batch=10, evaluate_every_kimg=every)
        assert cost.scoring_s(config) == 40 + scores * 7
        assert cost.run_s(config) == pytest.approx(200 + 40 + scores * 7)


class Clock:
    """A clock that shows what it is told: each piece of work takes the next of some durations."""

    def __init__(self, durations: list[float]) -> None:
        self.times = itertools.chain.from_iterable((0.0, seconds) for seconds in durations)
        self.worked = 0

    def perf_counter(self) -> float:
        return next(self.times)

    def work(self) -> None:
        self.worked += 1


@pytest.mark.parametrize(
    ("durations", "worked", "seconds"),
    [
        ([0.1, 9.0, 0.2], 3, 0.2),  # a slow one in between does not count
        ([1.0] * 9, 4, 1.0),  # until the time is filled
        ([1e-6] * 99, 30, 1e-6),  # or the number is reached
        ([25.0], 1, 25.0),  # one that takes very long is enough
    ],
)
def test_the_median_of_some_steps(
    monkeypatch: pytest.MonkeyPatch, durations: list[float], worked: int, seconds: float
) -> None:
    clock = Clock(durations)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "MEASURED_S", 4.0)
    assert module._seconds(clock.work, CPU) == seconds
    assert clock.worked == worked
