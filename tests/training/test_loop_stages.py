"""Stages and budgets of the loop, over kills and resumes."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.events import Progress
from ganvas.training.checkpoint import checkpoint_path, read_checkpoint
from ganvas.training.task import Players, Stage, Stop
from tests.training.toys import Simple, options, play
from tests.training.watching import (
    SETTINGS,
    Before,
    KilledError,
    Stuck,
    differing,
    watched,
    weights,
)


@pytest.mark.parametrize("before", [10, 11, 12])
def test_a_stage_that_was_stopped_early_stays_stopped_over_a_kill(tmp_path: Path, before: int) -> None:
    whole, _ = watched(tmp_path / "whole", Stuck())
    assert whole.counters.step == 20  # 10 of the first stage's 16; the second gets what is left
    assert whole.counters.stage_start_step == 10
    with pytest.raises(KilledError):
        watched(tmp_path / "cut", Stuck(), interrupted=Before(before))
    cut, _ = watched(tmp_path / "cut", Stuck())
    assert cut.counters.stage_start_step == 10
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


@pytest.mark.parametrize("first_kimg", [0.08, 0.12])
def test_a_larger_budget_is_played_in_full_in_the_last_stage(tmp_path: Path, first_kimg: float) -> None:
    """Ten steps and then twenty: the second stage began at five, and what is added is its."""
    play(tmp_path, options(kimg=first_kimg))
    more = play(tmp_path, SETTINGS)
    assert (more.counters.step, more.counters.stage) == (20, 1)
    assert json.loads((tmp_path / "stats.jsonl").read_text().splitlines()[-1])["step"] == 20


LAST_STOPS = (Stage("only", stop=Stop("score", patience=1)),)


def test_a_stage_that_stops_early_closes_its_books_and_tells_what_is_left(tmp_path: Path) -> None:
    """The only stage stops at its second score: nothing is left, and the whole budget is what was seen."""
    _, watch = watched(tmp_path, Stuck(stages=LAST_STOPS), settings=options(tick_kimg=0.056))
    last = [event for event in watch.events if isinstance(event, Progress)][-1]
    assert (last.seen_kimg, last.total_kimg, last.left_s) == (0.08, 0.08, 0)
    _, watch = watched(tmp_path / "two", Stuck(), settings=options(tick_kimg=0.056))
    at_the_stop = [event for event in watch.events if isinstance(event, Progress)][1]
    assert (at_the_stop.seen_kimg, at_the_stop.total_kimg) == (0.08, 0.16)
    assert at_the_stop.left_s > 0


def test_a_last_stage_that_stopped_goes_on_with_a_larger_budget_alone(tmp_path: Path) -> None:
    task = Stuck(stages=LAST_STOPS)
    stopped, _ = watched(tmp_path, task)
    again, _ = watched(tmp_path, task)
    assert (stopped.counters.step, again.counters.step) == (10, 10)
    more, _ = watched(tmp_path, task, settings=options(kimg=0.32))
    assert (more.counters.step, more.counters.stage_stopped) == (15, True)  # its next score is no better, either


class Buffered(Simple):
    """With a buffer in the generator."""

    def players(self) -> Players:
        players = super().players()
        players.generators["g"].register_buffer("invention", torch.zeros(()))
        return players


class Counting(Buffered):
    """Whose buffer grows with every pass of training."""

    def players(self) -> Players:
        players = super().players()

        def count(module: nn.Module, given: object, painted: object) -> None:
            if module.training:
                module.get_buffer("invention").add_(1)

        players.generators["g"].register_forward_hook(count)
        return players


def test_a_resume_within_a_stage_does_not_fill_its_buffers_again(tmp_path: Path) -> None:
    stages = (Stage("a", 0.5), Stage("b", 0.5, buffers={"invention": 100.0}))
    state, _ = watched(tmp_path / "whole", Counting(stages=stages))
    with pytest.raises(KilledError):
        watched(tmp_path / "cut", Counting(stages=stages), interrupted=Before(17))
    cut, _ = watched(tmp_path / "cut", Counting(stages=stages))
    assert float(cut.players.generators["g"].get_buffer("invention")) > 100
    assert differing(state, cut) == []


def test_a_stage_fills_the_buffers_it_names_in_the_network_and_in_its_average(tmp_path: Path) -> None:
    stages = (
        Stage("a", 0.5, buffers={"invention": 0.25, "nobody's": 1.0}, snapshot="kept"),
        Stage("b", 0.3, buffers={"invention": 1.0}),
        Stage("c", 0.2),
    )
    state, _ = watched(tmp_path / "whole", Buffered(stages=stages))
    ends = [network["g"].get_buffer("invention") for network in (state.players.generators, state.averages)]
    assert [float(value) for value in (state.snapshots["kept/g/invention"], *ends)] == [0.25, 1, 1]
    with pytest.raises(KilledError):
        watched(tmp_path / "cut", Buffered(stages=stages), interrupted=Before(12))
    cut, _ = watched(tmp_path / "cut", Buffered(stages=stages))
    assert differing(state, cut) == []
