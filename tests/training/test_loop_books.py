"""The loop in several processes; its time, and what it does once."""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganvas.draw import Draw
from ganvas.errors import UnknownName, UsageError
from ganvas.events import Progress
from ganvas.training import loop
from ganvas.training.distribute import World
from ganvas.training.journal import Journal
from ganvas.training.loop import Data
from ganvas.training.task import Batch, Painted, Players, Problem, Row, Stage
from tests.training.toys import Counted, Exports, NoisyStripes, Simple, options, play
from tests.training.watching import (
    SETTINGS,
    Before,
    Breaking,
    KilledError,
    Stuck,
    Untrained,
    score_by_step,
    watched,
)


class Second(World):
    """Stands for the second of two processes: what the first one says is planned."""

    said = json.dumps({"random_feature_distance": 0.25, "score": 1.0})

    def shard(self, batch: int) -> tuple[int, int]:
        return 0, batch

    def share(self, text: str) -> str:
        return self.said


def test_scores_are_those_of_the_first_process_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> dict[str, float]:
        raise AssertionError("only the first process looks")

    monkeypatch.setattr(loop, "scores", refuse)
    monkeypatch.setattr(loop, "examine", refuse)
    state, _ = watched(tmp_path, Stuck(), world=Second(rank=1))
    assert (state.counters.best_score, state.counters.best_step) == (0.25, 5)
    assert (state.counters.stage, state.counters.stage_start_step) == (1, 10)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_what_the_first_process_shares_is_what_it_found(tmp_path: Path) -> None:
    told: list[str] = []

    class First(World):
        def share(self, text: str) -> str:
            told.append(text)
            return text

    state, _ = watched(tmp_path, Stuck(), world=First())
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [json.loads(text) for text in told[1:]] == [
        {key: value for key, value in line.items() if key not in ("step", "seen_kimg")} for line in lines
    ]
    assert state.counters.best_score == min(line["random_feature_distance"] for line in lines)


def test_time_is_read_where_the_device_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that works behind the calls: a step takes 1 s, a tick 10, scores 100, a checkpoint 1000."""
    now, waiting = 0.0, 0

    def after(name: str, seconds: float) -> None:
        function = getattr(loop, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            nonlocal now, waiting
            if name == "play_step":
                waiting += 1
            else:
                now, waiting = now + seconds + waiting, 0
            return function(*arguments, **named)

        monkeypatch.setattr(loop, name, timed)

    score_by_step(monkeypatch, {5: 1.0, 10: 2.0, 15: 3.0, 20: 4.0})
    work = {"play_step": 0, "first_non_finite": 0, "examine": 10, "scores": 100, "write_checkpoint": 1000}
    for name, seconds in work.items():
        after(name, seconds)
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now))
    state, watch = watched(tmp_path, Simple())
    assert state.counters.elapsed_s == 20 * 1 + 5 * 10
    assert state.counters.books_s == 4 * 100 + 4 * 1000
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [line["elapsed_s"] for line in lines] == [14, 28, 42, 56, 70]
    left = [event.left_s for event in watch.events if isinstance(event, Progress)]
    assert left[:2] == pytest.approx([14 / 4 * 16, (28 + 1100) / 8 * 12])
    assert left[-1] == 0


def test_tensorboard_is_asked_for_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Never(Simple):
        def players(self) -> Players:
            raise AssertionError("the networks were built")

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="pip install tensorboard"):
        watched(tmp_path, Never(), settings=options(tensorboard=True))


@pytest.mark.parametrize("killed", [False, True])
def test_the_journal_is_closed_also_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    closed: list[int] = []
    monkeypatch.setattr(Journal, "close", lambda journal: closed.append(1))
    with suppress(KilledError):
        watched(tmp_path, Breaking(at=[7]), interrupted=Before(14 if killed else 99))
    assert len(closed) == 2  # that before the rollback, and that after it


def test_a_finished_run_writes_its_model_again_when_it_is_started_again(tmp_path: Path) -> None:
    """It may have been killed between its last checkpoint and its model."""
    watched(tmp_path, Simple())
    export = Exports()
    watched(tmp_path, Simple(), export=export)
    assert export.written == [("model.safetensors", 20)]


def test_a_snapshot_of_the_last_stage_is_in_the_last_model(tmp_path: Path) -> None:
    export = Exports()
    watched(tmp_path, Simple(stages=(Stage("all", snapshot="kept"),)), export=export)
    assert export.written[-2:] == [("model.safetensors", 20)] * 2
    assert export.snapshots


def test_the_fixed_pictures_are_fetched_once(tmp_path: Path) -> None:
    @dataclass
    class Fetching(Counted):
        fetched: list[tuple[int, int]] = field(default_factory=list)

        def at(self, position: int, draw: Draw) -> Batch:
            self.fetched.append((draw.seed, position))
            return super().at(position, draw)

    source = Fetching()
    play(tmp_path, SETTINGS, task=Simple(), data=Data(source))
    assert len(source.fetched) == len(set(source.fetched)) == 2 + 20 * 2


def test_rows_nobody_can_judge_are_refused_before_a_step(tmp_path: Path) -> None:
    class Misspelt(Untrained):
        def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
            (row,) = super().rows(problem, painted)
            return (replace(row, critic="nobody"),)

    with pytest.raises(UnknownName, match=r"critic .* for a row"):
        watched(tmp_path, Misspelt())
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_held_out_pictures_are_looked_at(tmp_path: Path) -> None:
    def gaps(name: str) -> set[bool]:
        lines = [json.loads(line) for line in (tmp_path / name / "health.jsonl").read_text().splitlines()]
        return {vitals["overfitting_gap"] is None for line in lines for vitals in line["vitals"].values()}

    play(tmp_path / "with", SETTINGS, data=Data(NoisyStripes(), NoisyStripes()))
    play(tmp_path / "without", SETTINGS)
    assert (gaps("with"), gaps("without")) == ({False}, {True})
