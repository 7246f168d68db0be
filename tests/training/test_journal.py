import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch

from ganvas.errors import UsageError
from ganvas.training import journal as room
from ganvas.training.distribute import World
from ganvas.training.health import Alarm, Vitals
from ganvas.training.journal import Journal, require_tensorboard
from ganvas.training.run import RunFolder
from ganvas.training.schedule import scheduled
from ganvas.training.state import Counters
from tests.training.toys import options

WELL = Vitals(
    seen_kimg=1.0, diversity=1.0, effective_rank_ratio=1.0, sign_statistic=0.1, overfitting_gap=None,
    generator_gradient_norm=1.0, critic_gradient_norm=1.0, critic_loss=0.5, generator_loss=0.7, leak=None,
    augment_p=0.0,
)  # fmt: skip
ALARM = Alarm("collapse", "All pictures look alike.")
OTHER = Alarm("leak", "Augmentation leaks.")


def opened(folder: Path, counters: Counters | None = None, **changes: Any) -> Journal:
    return Journal.open(RunFolder(folder), options(**changes), counters or Counters(), World())


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_means_are_over_the_steps_in_which_a_number_was_there(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for step in range(4):
        log = {"d/loss": torch.tensor(float(step))}
        if step % 2 == 0:
            log["d/r1"] = torch.tensor(10.0 + step, dtype=torch.float64)
        journal.add(log)
    assert journal.means(World()) == {"d/loss": 1.5, "d/r1": 11.0}
    assert journal.means(World()) == {}
    journal.add({"d/loss": torch.tensor(7.0)})
    assert journal.means(World()) == {"d/loss": 7.0}


def test_adding_keeps_the_steps_own_numbers(tmp_path: Path) -> None:
    journal, value = opened(tmp_path), torch.tensor(1.0)
    for _ in range(3):
        journal.add({"x": value})
    assert float(value) == 1


def test_a_tick_is_one_line_of_statistics_and_one_of_health(tmp_path: Path) -> None:
    started = Counters(step=4, seen_images=32, elapsed_s=2.0)
    journal = opened(tmp_path, started)
    now = replace(started, step=8, seen_images=64, elapsed_s=4.5, lr_scale=0.5, augment_p=0.25)
    journal.write(now, {"d/loss": 0.5}, {"d": WELL})
    schedule = scheduled(options(), 64)
    assert lines(tmp_path, "stats.jsonl") == [
        {
            "step": 8, "seen_kimg": 0.064, "elapsed_s": 4.5, "images_per_s": 12.8, "lr": schedule.lr / 2,
            "gamma": schedule.gamma, "augment_p": 0.25, "d/loss": 0.5,
        }
    ]  # fmt: skip
    (health,) = lines(tmp_path, "health.jsonl")
    assert (health["step"], health["seen_kimg"], health["alarms"]) == (8, 0.064, [])
    assert Vitals(**health["vitals"]["d"]) == WELL
    journal.write(replace(now, step=12, seen_images=80, elapsed_s=5.0), {}, {})
    assert lines(tmp_path, "stats.jsonl")[1]["images_per_s"] == 32


def test_what_another_version_wrote_of_a_run_s_health_is_passed_over(tmp_path: Path) -> None:
    vitals = {**asdict(WELL), "mood": "good"}
    (tmp_path / "health.jsonl").write_text(json.dumps({"step": 8, "vitals": {"d": vitals}, "alarms": []}) + "\n")
    assert opened(tmp_path, Counters(step=8)).history == {"d": [WELL]}


def test_scores_have_a_line_of_their_own(tmp_path: Path) -> None:
    opened(tmp_path).write_scores(Counters(step=5, seen_images=40), {"random_feature_distance": 0.5, "cycle": 2.0})
    assert lines(tmp_path, "scores.jsonl") == [
        {"step": 5, "seen_kimg": 0.04, "random_feature_distance": 0.5, "cycle": 2.0}
    ]


def test_an_alarm_is_fresh_when_it_did_not_stand_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[tuple[Alarm, ...]] = [(), (ALARM,), (ALARM, OTHER), (OTHER,), (), (ALARM,)]
    monkeypatch.setattr(room, "diagnose", lambda history: planned[len(history) - 1])
    journal = opened(tmp_path)
    told = [journal.write(Counters(step=step + 1), {}, {"d": WELL}) for step in range(len(planned))]
    assert told == [[], [ALARM.sentence], [OTHER.sentence], [], [], [ALARM.sentence]]
    assert [[alarm["kind"] for alarm in line["alarms"]] for line in lines(tmp_path, "health.jsonl")] == [
        [alarm.kind for alarm in alarms] for alarms in planned
    ]


def test_each_critic_has_a_history_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float]] = []

    def note(history: list[Vitals]) -> tuple[Alarm, ...]:
        seen.append([vitals.diversity for vitals in history])
        return ()

    monkeypatch.setattr(room, "diagnose", note)
    journal = opened(tmp_path)
    for step in (1, 2):
        vitals = {critic: replace(WELL, diversity=sign * step) for critic, sign in (("a", 1), ("b", -1))}
        journal.write(Counters(step=step), {}, vitals)
    assert seen == [[1], [-1], [1, 2], [-1, -2]]


def test_reopened_it_knows_history_and_standing_alarms_up_to_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "diagnose", lambda history: (ALARM,) if len(history) > 1 else ())
    journal = opened(tmp_path)
    for step in (4, 8, 12):
        journal.write(Counters(step=step), {}, {"d": replace(WELL, seen_kimg=float(step))})
    for step, known, alarms in ((12, [4.0, 8.0, 12.0], {("d", "collapse")}), (4, [4.0], set()), (0, [], set())):
        again = opened(tmp_path, Counters(step=step))
        assert [vitals.seen_kimg for vitals in again.history.get("d", [])] == known
        assert again.standing == alarms
    assert opened(tmp_path, Counters(step=12)).write(Counters(step=16), {}, {"d": WELL}) == []


class Writer:
    """Stands for TensorBoard's; it remembers all that were opened."""

    opened: ClassVar[list["Writer"]] = []

    def __init__(self, folder: Path, purge_step: int) -> None:
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.scalars: dict[str, tuple[float, int]] = {}
        Writer.opened.append(self)

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        self.scalars[tag] = (scalar_value, global_step)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    monkeypatch.setattr(Writer, "opened", [])
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    return Writer.opened


def test_tensorboard_gets_every_number_at_images_seen(tmp_path: Path, writers: list[Writer]) -> None:
    journal = opened(tmp_path, tensorboard=True)
    journal.write(Counters(step=8, seen_images=64), {"d/loss": 0.5}, {})
    (writer,) = writers
    assert writer.folder == tmp_path
    assert writer.scalars["d/loss"] == (0.5, 64)
    assert set(writer.scalars) == set(lines(tmp_path, "stats.jsonl")[0])


def test_tensorboard_forgets_what_is_played_again_and_is_closed(tmp_path: Path, writers: list[Writer]) -> None:
    opened(tmp_path, Counters(step=8, seen_images=64), tensorboard=True).close()
    (writer,) = writers
    assert (writer.purge_step, writer.closed) == (65, True)  # the tick at 64 images stays
    opened(tmp_path).close()  # without it, there is nothing to close


def test_without_tensorboard_the_option_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    require_tensorboard(options())
    with pytest.raises(UsageError, match="--tensorboard needs a package: pip install tensorboard"):
        require_tensorboard(options(tensorboard=True))
