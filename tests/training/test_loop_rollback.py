"""What the loop does when a network breaks."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.errors import Diverged
from ganvas.events import Notice
from ganvas.training.checkpoint import checkpoint_path, checkpoint_steps, read_checkpoint, write_checkpoint
from ganvas.training.state import TrainingState
from ganvas.training.task import Networks, Painted, Problem, Term
from tests.training.toys import Exports, Simple, options
from tests.training.watching import (
    Before,
    Breaking,
    KilledError,
    Watch,
    differing,
    score_by_step,
    watched,
    weights,
)


@pytest.mark.parametrize("planted", [float("nan"), float("inf")])
@pytest.mark.parametrize(("turn", "noticed", "back_to"), [(7, 8, 5), (1, 4, 0), (20, 20, 15), (5, 5, 0), (13, 15, 10)])
def test_a_broken_weight_sends_the_run_back_with_half_the_learning_rate(
    tmp_path: Path, turn: int, noticed: int, back_to: int, planted: float
) -> None:
    state, watch = watched(tmp_path, Breaking(at=[turn], planted=planted))
    assert (state.counters.step, state.counters.rollbacks, state.counters.lr_scale) == (20, 0, 0.5)
    assert all(tensor.isfinite().all() for tensor in weights(state).values())
    (sentence,) = watch.warnings()
    assert sentence.startswith("'")
    assert sentence.endswith(
        f"is not finite at {noticed * 0.008:g} kimg: back to {back_to * 0.008:g} kimg with 0.5 of the learning rate "
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
    with pytest.raises(
        Diverged, match=r"is not finite at .* 3 rollbacks down to 0.125 .* --lr below 0.00025 or a larger --gamma"
    ):
        watched(tmp_path, task, watch)
    told = [f"with {0.5**n:g} of the learning rate (rollback {n} of 3)." for n in (1, 2, 3)]
    assert [sentence[-len(end) :] for sentence, end in zip(watch.warnings(), told, strict=True)] == told
    back_to = [sentence.split("back to ")[1].split(" kimg")[0] for sentence in watch.warnings()]
    assert back_to == ["0.04", "0", "0"]  # the second time from the same checkpoint, the one before it
    healed, _ = watched(tmp_path, Simple())
    assert (healed.counters.step, healed.counters.rollbacks, healed.counters.lr_scale) == (20, 0, 0.125)


def test_stopping_a_broken_run_keeps_the_last_whole_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path, Breaking(at=[6]), interrupted=Before(8, kill=False))
    assert checkpoint_steps(tmp_path / "checkpoints") == [0, 5]


@dataclass
class Planting(Exports):
    """Puts an infinity into the moments of a weight when a model is written; the weight then stays as it is."""

    at_step: int = 5
    planted: bool = False

    def __call__(self, state: TrainingState, path: Path) -> None:
        super().__call__(state, path)
        if path.name == "model.safetensors" and state.counters.step == self.at_step and not self.planted:
            self.planted = True
            weight = state.players.generators["g"].get_parameter("layer.weight")
            state.generator_optimiser.state[weight]["exp_avg_sq"][0, 0] = torch.inf


def test_infinite_moments_are_noticed_though_all_weights_are_finite(tmp_path: Path) -> None:
    state, watch = watched(tmp_path, Simple(), export=Planting())
    (sentence,) = watch.warnings()
    assert sentence.startswith("'optimiser.generators/g.layer.weight.exp_avg_sq' is not finite at 0.064 kimg: back to")
    assert (state.counters.step, state.counters.lr_scale) == (20, 0.5)


def test_stopping_a_run_with_infinite_moments_keeps_the_last_whole_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path, Simple(), export=Planting(), interrupted=Before(8, kill=False))
    assert checkpoint_steps(tmp_path / "checkpoints") == [0, 5]


@pytest.mark.parametrize("stop", [False, True])
def test_statistics_are_looked_at_before_a_checkpoint_between_two_ticks(tmp_path: Path, stop: bool) -> None:
    """A term that is infinite once and has no gradient: nothing but the statistics tells."""
    turns = count(1)

    def once(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
        zero = 0 * painted["x"].sum()
        return zero + torch.inf if next(turns) == 3 else zero

    settings = options(tick_kimg=0.08)
    before, noticed = (Before(5, kill=False), []) if stop else (lambda: False, [0.04])
    task, watch = Simple(terms=(Term("once", 1.0, once),)), Watch()
    with suppress(KeyboardInterrupt):
        watched(tmp_path, task, watch, settings=settings, interrupted=before)
    told = [f"'term/once' is not finite at {kimg:g} kimg: back to 0 kimg" for kimg in noticed]
    assert [sentence.split(" with")[0] for sentence in watch.warnings()] == told
    if stop:
        assert checkpoint_steps(tmp_path / "checkpoints") == [0]


def test_looking_for_broken_statistics_leaves_them_in_the_next_line(tmp_path: Path) -> None:
    """A checkpoint between two ticks must not begin a new mean."""
    often, seldom = (options(checkpoint_every_kimg=every) for every in (0.008, 100.0))
    lines = []
    for name, settings in (("often", often), ("seldom", seldom)):
        watched(tmp_path / name, Simple(), settings=settings)
        text = (tmp_path / name / "stats.jsonl").read_text()
        lines.append([json.loads(line)["d/loss"] for line in text.splitlines()])
    assert lines[0] == lines[1]


def test_rollbacks_are_counted_over_sittings_until_the_run_is_past_where_it_broke(tmp_path: Path) -> None:
    with pytest.raises(Diverged):
        watched(tmp_path, Breaking(at=range(7, 99)))
    watch = Watch()
    with pytest.raises(Diverged):
        watched(tmp_path, Breaking(at=range(1, 99)), watch)
    assert watch.warnings() == []  # the same command again has none left
    with pytest.raises(Diverged):
        watched(tmp_path, Breaking(at=range(1, 99)), watch, settings=options(gamma=1.0))
    assert len(watch.warnings()) == 3
    healed, _ = watched(tmp_path, Simple())
    assert (healed.counters.rollbacks, healed.counters.step) == (0, 20)


def test_a_run_past_where_it_broke_may_roll_back_as_often_again(tmp_path: Path) -> None:
    state, watch = watched(tmp_path, Breaking(at=[7, 14, 22, 29]))  # steps 7, 11, 16 and 18
    numbers = [sentence[-len("1 of 3).") :] for sentence in watch.warnings()]
    assert numbers == ["1 of 3).", "1 of 3).", "1 of 3).", "2 of 3)."]
    assert (state.counters.step, state.counters.lr_scale) == (20, 0.0625)


def test_another_learning_rate_counts_in_full(tmp_path: Path) -> None:
    first, _ = watched(tmp_path, Breaking(at=[7]))
    assert first.counters.lr_scale == 0.5
    same, watch = watched(tmp_path, Simple(), settings=options(kimg=0.2))
    assert same.counters.lr_scale == 0.5
    other, watch = watched(tmp_path, Simple(), settings=options(kimg=0.24, lr=1e-3, lr_final=1e-3))
    assert other.counters.lr_scale == 1
    notices = [event.text for event in watch.events if isinstance(event, Notice)]
    assert notices[1] == "The new learning rate counts in full; of the one before, roll-backs had left 0.5."
    rates = [json.loads(line)["lr"] for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert rates[-1] == 1e-3


@dataclass
class Files(Exports):
    """Writes files, and remembers which weights and whether there was a best one beside them."""

    rows: list[tuple[str, int, bool]] = field(default_factory=list)
    best: list[Tensor] = field(default_factory=list)

    def __call__(self, state: TrainingState, path: Path) -> None:
        path.write_bytes(b"model")
        self.rows.append((path.name, state.counters.step, path.with_name("best.safetensors").exists()))
        if path.name == "best.safetensors":
            self.best.append(next(state.averages["g"].parameters()).detach().clone())


def test_after_a_rollback_the_best_is_the_best_of_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_by_step(monkeypatch, {5: 0.3, 10: 0.1, 15: 0.2, 20: 0.2})
    export = Files()
    task = Breaking(at=[11, 13])  # broken at 11, back to 10; broken there again, back to 5
    state, watch = watched(tmp_path, task, export=export)
    assert ["back to 0.08" in text for text in watch.warnings()] == [True, False]
    assert [step for name, step, _ in export.rows if name == "best.safetensors"] == [5, 10, 5, 10]
    assert torch.equal(export.best[2], export.best[0])
    assert not torch.equal(export.best[3], export.best[1])  # played again, at another rate
    assert (state.counters.best_score, state.counters.best_step) == (0.1, 10)


def test_a_run_killed_after_a_rollback_does_not_go_on_from_what_was_given_up(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        watched(tmp_path, Breaking(at=[11, 13]), interrupted=Before(15))  # back at 5 the second time
    assert max(checkpoint_steps(tmp_path / "checkpoints")) == 5
    state, _ = watched(tmp_path, Simple(), interrupted=lambda: False)
    assert (state.counters.step, state.counters.lr_scale) == (20, 0.25)


def test_without_the_checkpoint_of_the_best_there_is_none_until_the_next_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints 0, 4 (best), 5, 8 (best): when 8 is given up for 5, that of 4 is long deleted."""
    score_by_step(monkeypatch, {4: 0.3, 8: 0.1, 12: 0.2, 16: 0.2, 20: 0.2})
    export = Files()
    state, watch = watched(tmp_path, Breaking(at=[9, 11]), settings=options(evaluate_every_kimg=0.032), export=export)
    assert [text.split("back to ")[1][:5] for text in watch.warnings()] == ["0.064", "0.04 "]
    given_up = export.rows.index(("model.safetensors", 5, False))
    assert export.rows[given_up + 1] == ("best.safetensors", 8, True)
    assert (state.counters.best_score, state.counters.best_step) == (0.1, 8)
