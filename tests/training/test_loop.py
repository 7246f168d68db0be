"""The loop around the steps: what it keeps, what it says, and what it does when a network breaks."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.errors import Diverged, FileError, OutOfMemory, UnknownName, UsageError
from ganvas.events import Event, Notice, Progress, Warned, Wrote
from ganvas.image.provenance import read_mark
from ganvas.training import health, loop
from ganvas.training.checkpoint import checkpoint_path, checkpoint_steps, read_checkpoint, write_checkpoint
from ganvas.training.distribute import World
from ganvas.training.loop import Data
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Stage, Stop
from tests.training.toys import Counted, Exports, NoisyStripes, Simple, options, play

DATA = Data(Counted())
SETTINGS = options()  # 20 steps; a tick every 4, a checkpoint every 5, a sample grid every 10


class KilledError(BaseException):
    """Stands for a process that ends without a chance to save anything."""


class Before:
    """Kills a run, or asks it to stop, before its n-th step of this process."""

    def __init__(self, step: int, *, kill: bool = True) -> None:
        self.steps, self.last, self.kill = count(1), step, kill

    def __call__(self) -> bool:
        reached = next(self.steps) >= self.last
        if reached and self.kill:
            raise KilledError
        return reached


@dataclass
class Breaking(Simple):
    """A weight becomes NaN in some of the generator's turns, counted over the whole process."""

    at: Sequence[int] = ()
    turns: int = 0
    planted: float = float("nan")

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        if torch.is_grad_enabled():
            self.turns += 1
            if self.turns in self.at:
                weight = next(networks["g"].parameters())
                weight.data[0, 0] = self.planted
        return super().paint(networks, problem)


@dataclass
class Watch:
    """Keeps what is reported, and looks into every checkpoint the moment it is there."""

    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Wrote) and event.kind == "checkpoint":
            tensors, _ = read_checkpoint(event.path)
            assert all(tensor.isfinite().all() for tensor in tensors.values())

    def warnings(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Warned)]


def watched(folder: Path, task: Simple, watch: Watch | None = None, **more: Any) -> tuple[TrainingState, Watch]:
    watch = watch or Watch()
    settings = more.pop("settings", SETTINGS)
    return play(folder, settings, task=task, data=DATA, events=watch, **more), watch  # type: ignore[arg-type]


def weights(state: TrainingState) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in state.tensors(World()).items()}


def differing(ours: TrainingState, theirs: TrainingState) -> list[str]:
    mine, its = weights(ours), weights(theirs)
    assert set(mine) == set(its)
    return [key for key in mine if not torch.equal(mine[key], its[key])]


# When a network breaks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("planted", [float("nan"), float("inf")])
@pytest.mark.parametrize(("turn", "noticed", "back_to"), [(7, 8, 5), (1, 4, 0), (20, 20, 15), (5, 5, 0), (13, 15, 10)])
def test_a_broken_weight_sends_the_run_back_with_half_the_learning_rate(
    tmp_path: Path, turn: int, noticed: int, back_to: int, planted: float
) -> None:
    state, watch = watched(tmp_path, Breaking(at=[turn], planted=planted))
    assert (state.counters.step, state.counters.rollbacks, state.counters.lr_scale) == (20, 1, 0.5)
    assert all(tensor.isfinite().all() for tensor in weights(state).values())
    (sentence,) = watch.warnings()
    assert sentence.startswith("'")
    assert sentence.endswith(
        f"became NaN at {noticed * 0.008:g} kimg: back to {back_to * 0.008:g} kimg with 0.5 of the learning rate "
        "(rollback 1 of 3)."
    )


def test_after_a_rollback_the_run_is_what_a_run_with_half_the_rate_would_have_been(tmp_path: Path) -> None:
    state, _ = watched(tmp_path / "broken", Breaking(at=[7]))
    with suppress(KeyboardInterrupt):
        watched(tmp_path / "told", Simple(), interrupted=Before(6, kill=False))
    path = checkpoint_path(tmp_path / "told" / "checkpoints", 5)
    tensors, facts = read_checkpoint(path)
    facts["counters"]["lr_scale"] = 0.5
    write_checkpoint(path, tensors, facts)
    told, _ = watched(tmp_path / "told", Simple())
    assert differing(state, told) == []


def test_statistics_forget_what_is_played_again(tmp_path: Path) -> None:
    watched(tmp_path, Breaking(at=[9]))  # noticed at 10, where a checkpoint is due; a tick was written at 8
    for name in ("stats.jsonl", "health.jsonl", "scores.jsonl"):
        steps = [json.loads(line)["step"] for line in (tmp_path / name).read_text().splitlines()]
        assert steps == sorted(set(steps))
        assert steps[-1] == 20


@pytest.mark.parametrize("kill_before", [9, 11, 14])
def test_a_run_that_rolled_back_stays_resumable(tmp_path: Path, kill_before: int) -> None:
    whole, _ = watched(tmp_path / "whole", Breaking(at=[7]))
    with pytest.raises(KilledError):  # after the rollback, before and behind the next checkpoint
        watched(tmp_path / "cut", Breaking(at=[7]), interrupted=Before(kill_before))
    resumed, watch = watched(tmp_path / "cut", Simple())
    assert resumed.counters.lr_scale == 0.5
    assert watch.warnings() == []
    assert differing(whole, resumed) == []


def test_three_rollbacks_and_no_more(tmp_path: Path) -> None:
    task, watch = Breaking(at=range(7, 99)), Watch()
    with pytest.raises(Diverged, match=r"is not a number at .* after 3 rollbacks .* smaller --lr or a larger --gamma"):
        watched(tmp_path, task, watch)
    told = [f"with {0.5**n:g} of the learning rate (rollback {n} of 3)." for n in (1, 2, 3)]
    assert [sentence[-len(end) :] for sentence, end in zip(watch.warnings(), told, strict=True)] == told
    healed, _ = watched(tmp_path, Simple())
    assert (healed.counters.step, healed.counters.rollbacks, healed.counters.lr_scale) == (20, 0, 0.125)


def test_stopping_a_broken_run_keeps_the_last_whole_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path, Breaking(at=[6]), interrupted=Before(8, kill=False))
    assert checkpoint_steps(tmp_path / "checkpoints") == [0, 5]


# What is kept ----------------------------------------------------------------------------------------------------


@dataclass
class Remembering(Simple):
    """Remembers the latents and networks of every preview."""

    latents: list[Tensor] = field(default_factory=list)
    painters: list[nn.Module] = field(default_factory=list)

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        problem = self.problem(batch, draw)
        self.latents.append(problem["z"])
        self.painters.append(networks["g"])
        assert not networks["g"].training
        assert not torch.is_grad_enabled()
        return self.paint(networks, problem)["x"]


def test_grids_are_painted_from_the_same_latents_by_the_average(tmp_path: Path) -> None:
    first, second = Remembering(), Remembering()
    with pytest.raises(KilledError):
        watched(tmp_path, first, interrupted=Before(13))
    state, _ = watched(tmp_path, second)
    assert len(first.latents) == 2
    assert len(second.latents) == 1
    for latents in (*first.latents, *second.latents):
        assert latents.shape == (SETTINGS.preview_count, 4)
        assert torch.equal(latents, first.latents[0])
    assert second.painters == [state.averages["g"]]
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        "000000000.png", "000000080.png", "000000160.png", "real.png"
    ]  # fmt: skip


def test_grids_say_that_a_network_painted_them_and_real_pictures_do_not(tmp_path: Path) -> None:
    play(tmp_path, options(kimg=0.008))
    marks = {path.name: read_mark(path.read_bytes(), path.name) for path in (tmp_path / "samples").iterdir()}
    assert {name: mark is not None for name, mark in marks.items()} == {
        "real-a.png": False, "real-b.png": False, "000000000.png": True, "000000008.png": True, "000000016.png": True
    }  # fmt: skip


def test_grids_do_not_change_the_run(tmp_path: Path) -> None:
    often, seldom = (options(sample_every_kimg=every) for every in (0.008, 100.0))
    ours, _ = watched(tmp_path / "often", Simple(), settings=often)
    theirs, _ = watched(tmp_path / "seldom", Simple(), settings=seldom)
    assert differing(ours, theirs) == []


@pytest.mark.parametrize(
    ("changes", "kept"),
    [({}, [10, 15, 20]), ({"keep_last": 1}, [10, 20]), ({"keep_last": 1, "keep_every_kimg": 0.12}, [10, 15, 20])],
)
def test_the_last_the_best_and_every_so_many_checkpoints_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], kept: list[int]
) -> None:
    planned = iter([0.3, 0.1, 0.2, 0.2])
    monkeypatch.setattr(loop, "scores", lambda *_: {"random_feature_distance": next(planned)})
    export = Exports()
    state, _ = watched(tmp_path, Simple(), settings=options(**changes), export=export)
    assert (state.counters.best_score, state.counters.best_step) == (0.1, 10)
    assert set(kept) <= set(checkpoint_steps(tmp_path / "checkpoints")) <= {0, *kept}
    assert [step for name, step in export.written if name == "best.safetensors"] == [5, 10]
    assert [step for name, step in export.written if name == "model.safetensors"] == [0, 5, 10, 15, 20, 20]
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    scores = [(line["step"], line["random_feature_distance"]) for line in lines]
    assert scores == [(5, 0.3), (10, 0.1), (15, 0.2), (20, 0.2)]


def test_scores_come_at_their_own_pace_and_decide_by_the_chosen_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty steps, a score every four, a checkpoint every five: the best state need not be a checkpoint's."""
    own = iter([5.0, 3.0, 1.0, 4.0, 2.0])
    monkeypatch.setattr(loop, "scores", lambda *_: {"random_feature_distance": 0.5, "fd": next(own)})
    export = Exports()
    state, _ = watched(tmp_path, Simple(), settings=options(evaluate_every_kimg=0.032, best_by="fd"), export=export)
    assert (state.counters.best_score, state.counters.best_step) == (1.0, 12)
    assert [step for name, step in export.written if name == "best.safetensors"] == [4, 8, 12]
    assert [json.loads(line)["step"] for line in (tmp_path / "scores.jsonl").read_text().splitlines()] == [
        4,
        8,
        12,
        16,
        20,
    ]
    assert set(checkpoint_steps(tmp_path / "checkpoints")) == {15, 20}


def test_a_score_nobody_gives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"score to choose the best by 'fid'. .*random_feature_distance"):
        watched(tmp_path, Simple(), settings=options(best_by="fid"))


def test_statistics_come_every_tick_and_at_the_end(tmp_path: Path) -> None:
    _, watch = watched(tmp_path, Simple(), settings=options(kimg=0.144))
    progress = [event for event in watch.events if isinstance(event, Progress)]
    assert [round(event.seen_kimg * 125) for event in progress] == [4, 8, 12, 16, 18]
    assert progress[-1].left_s == 0 < progress[0].left_s
    assert {event.total_kimg for event in progress} == {0.144}
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [line["d/loss"] for line in lines] == pytest.approx([event.stats["d/loss"] for event in progress])


# What is said ----------------------------------------------------------------------------------------------------


class Grey(Simple):
    """A generator that has collapsed: whatever it is given, it paints one grey."""

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        return {"x": 0 * super().paint(networks, problem)["x"]}


def test_an_alarm_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "GRACE_KIMG", 0.0)
    settings = options(tick_kimg=0.016)
    _, watch = watched(tmp_path / "grey", Grey(), settings=settings)
    collapse = [text for text in watch.warnings() if text.startswith("All pictures look alike")]
    assert len(collapse) == 1
    lines = [json.loads(line) for line in (tmp_path / "grey" / "health.jsonl").read_text().splitlines()]
    standing = ["collapse" in {alarm["kind"] for alarm in line["alarms"]} for line in lines]
    assert standing == [False] * (health.PERSISTENCE - 1) + [True] * (10 - health.PERSISTENCE + 1)
    _, watch = watched(tmp_path / "well", Simple(), settings=settings)
    assert not any(text.startswith("All pictures look alike") for text in watch.warnings())


def test_a_resume_says_where_it_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path, Simple(), interrupted=Before(4, kill=False))
    _, watch = watched(tmp_path, Simple())
    assert watch.events[0] == Notice(f"Resumed '{tmp_path}' at 0.024 kimg.")


def test_too_little_memory_names_the_next_micro_batch(tmp_path: Path) -> None:
    class Hungry(Simple):
        def paint(self, networks: Networks, problem: Problem) -> Painted:
            if torch.is_grad_enabled():
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return super().paint(networks, problem)

    with pytest.raises(OutOfMemory, match=r"cpu has too little memory for --micro-batch 8; .*--micro-batch 4"):
        watched(tmp_path, Hungry())


@pytest.mark.parametrize("stages", [(Stage("idle", generators=False, critics=False),), (Stage("half", 0.5),)])
def test_stages_that_cannot_be_played_are_refused_before_anything_is_written(
    tmp_path: Path, stages: Sequence[Stage]
) -> None:
    with pytest.raises(UsageError, match="stage"):
        watched(tmp_path, Simple(stages=stages))
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_critics_that_nobody_brought_are_refused(tmp_path: Path) -> None:
    class Alone(Simple):
        def players(self) -> Players:
            return Players(super().players().generators)

    with pytest.raises(UsageError, match="In stage 'all' critics should play, but the task has none"):
        watched(tmp_path, Alone())


def test_a_damaged_newest_checkpoint_is_named_and_not_passed_over(tmp_path: Path) -> None:
    watched(tmp_path, Simple())
    newest = checkpoint_path(tmp_path / "checkpoints", 20)
    newest.write_bytes(newest.read_bytes()[:-8])
    with pytest.raises(FileError, match=f"'{newest}' is damaged"):
        watched(tmp_path, Simple())


# Stages and budgets over a resume --------------------------------------------------------------------------------


@dataclass
class Stuck(Simple):
    """Its first stage never scores better and stops at its second score."""

    stages: Sequence[Stage] = (
        Stage("first", 0.8, snapshot="kept", stop=Stop("score", patience=1)),
        Stage("second", 0.2),
    )

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        return {"score": 1.0}


@pytest.mark.parametrize("before", [10, 11, 12])
def test_a_stage_that_was_stopped_early_stays_stopped_over_a_kill(tmp_path: Path, before: int) -> None:
    whole, _ = watched(tmp_path / "whole", Stuck())
    assert whole.counters.step == 14  # 10 of the first stage's 16, and the second's 4
    with pytest.raises(KilledError):
        watched(tmp_path / "cut", Stuck(), interrupted=Before(before))
    cut, _ = watched(tmp_path / "cut", Stuck())
    assert cut.counters.step == 14
    assert differing(whole, cut) == []
    assert set(cut.snapshots) == {f"kept/g/{key}" for key in cut.averages["g"].state_dict()}


def test_a_snapshot_is_the_average_at_the_end_of_its_stage(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        play(tmp_path, SETTINGS, interrupted=Before(11))
    at_the_end, _ = read_checkpoint(checkpoint_path(tmp_path / "checkpoints", 10))
    state = play(tmp_path, SETTINGS)
    averages = {key: value for key, value in at_the_end.items() if key.startswith("average.a_to_b/")}
    assert averages
    for key, value in averages.items():
        assert torch.equal(state.snapshots["faithful/a_to_b/" + key.split("/")[1]], value)
    assert not all(torch.equal(state.averages["a_to_b"].state_dict()[k.split("/")[1]], v) for k, v in averages.items())


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    first, _ = watched(tmp_path, Simple())
    before = weights(first)
    again, watch = watched(tmp_path, Simple())
    assert all(torch.equal(value, before[key]) for key, value in weights(again).items())
    assert again.counters.step == 20
    assert not any(isinstance(event, Progress) for event in watch.events)


def test_a_finished_run_goes_on_when_it_is_given_more(tmp_path: Path) -> None:
    whole, _ = watched(tmp_path / "whole", Simple())
    watched(tmp_path / "more", Simple(), settings=options(kimg=0.08))
    more, watch = watched(tmp_path / "more", Simple())
    assert more.counters.step == 20
    assert len([event for event in watch.events if isinstance(event, Progress)]) == 3  # at 12, 16 and 20
    assert differing(whole, more) == []


def test_held_out_pictures_are_looked_at(tmp_path: Path) -> None:
    def gaps(name: str) -> set[bool]:
        lines = [json.loads(line) for line in (tmp_path / name / "health.jsonl").read_text().splitlines()]
        return {vitals["overfitting_gap"] is None for line in lines for vitals in line["vitals"].values()}

    play(tmp_path / "with", SETTINGS, data=Data(NoisyStripes(), NoisyStripes()))
    play(tmp_path / "without", SETTINGS)
    assert (gaps("with"), gaps("without")) == ({False}, {True})
