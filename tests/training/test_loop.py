"""The loop around the steps: what it keeps and what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.errors import FileError, OutOfMemory, UnknownName, UsageError
from ganvas.events import Notice, Progress
from ganvas.image.provenance import read_mark
from ganvas.training import health
from ganvas.training.checkpoint import checkpoint_path, checkpoint_steps
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Stage, Stop
from tests.training.toys import Exports, Simple, options, play
from tests.training.watching import (
    SETTINGS,
    Before,
    KilledError,
    Untrained,
    differing,
    score_by_step,
    watched,
)


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
    play(tmp_path, options(kimg=0.016))
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
    score_by_step(monkeypatch, {5: 0.3, 10: 0.1, 15: 0.2, 20: 0.2})
    export = Exports()
    state, _ = watched(tmp_path, Simple(), settings=options(**changes), export=export)
    assert (state.counters.best_score, state.counters.best_step) == (0.1, 10)
    assert set(kept) <= set(checkpoint_steps(tmp_path / "checkpoints")) <= {0, *kept}
    assert [step for name, step in export.written if name == "best.safetensors"] == [5, 10]
    assert [step for name, step in export.written if name == "model.safetensors"] == [0, 5, 10, 15, 20]
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    scores = [(line["step"], line["random_feature_distance"]) for line in lines]
    assert scores == [(5, 0.3), (10, 0.1), (15, 0.2), (20, 0.2)]


def test_scores_come_at_their_own_pace_and_decide_by_the_chosen_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty steps, a score every four, a checkpoint every five: the best state has a checkpoint nevertheless."""
    score_by_step(monkeypatch, {4: 5.0, 8: 3.0, 12: 1.0, 16: 4.0, 20: 2.0}, "fd")
    export = Exports()
    state, _ = watched(tmp_path, Simple(), settings=options(evaluate_every_kimg=0.032, best_by="fd"), export=export)
    assert (state.counters.best_score, state.counters.best_step) == (1.0, 12)
    assert [step for name, step in export.written if name == "best.safetensors"] == [4, 8, 12]
    lines = (tmp_path / "scores.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4, 8, 12, 16, 20]
    assert set(checkpoint_steps(tmp_path / "checkpoints")) == {12, 15, 20}


def test_the_best_may_be_the_highest_and_the_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {5: 1.0, 10: float("nan"), 15: 3.0, 20: 2.0}
    for text, best, word in (("psnr:higher", 15, "highest"), ("psnr", 5, "lowest")):
        score_by_step(monkeypatch, values, "psnr")
        state, watch = watched(tmp_path / word, Simple(), settings=options(best_by=text))
        assert (state.counters.best_score, state.counters.best_step) == (values[best], best)
        assert watch.events[0] == Notice(f"best.safetensors holds the state with the {word} 'psnr'.")
    score_by_step(monkeypatch, values)
    _, watch = watched(tmp_path / "own", Simple())
    assert not any(isinstance(event, Notice) for event in watch.events)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_never_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    score_by_step(monkeypatch, {5: value, 10: 0.5, 15: value, 20: 0.7})
    export = Exports()
    state, _ = watched(tmp_path, Simple(), export=export)
    assert (state.counters.best_score, state.counters.best_step) == (0.5, 10)
    assert [step for name, step in export.written if name == "best.safetensors"] == [10]


@pytest.mark.parametrize(
    ("best_by", "stages", "words"),
    [
        ("fid", (Stage("all"),), r"score 'fid' to choose the best by. .*random_feature_distance"),
        ("random_feature_distance", (Stage("all", stop=Stop("ssim", 3)),), "score 'ssim' to stop stage 'all' by"),
    ],
)
def test_a_score_nobody_gives_is_refused_before_a_step(
    tmp_path: Path, best_by: str, stages: Sequence[Stage], words: str
) -> None:
    with pytest.raises(UnknownName, match=words):
        watched(tmp_path, Untrained(stages=stages), settings=options(best_by=best_by))
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_statistics_come_every_tick_and_at_the_end(tmp_path: Path) -> None:
    _, watch = watched(tmp_path, Simple(), settings=options(kimg=0.144))
    progress = [event for event in watch.events if isinstance(event, Progress)]
    assert [round(event.seen_kimg * 125) for event in progress] == [4, 8, 12, 16, 18]
    assert progress[-1].left_s == 0 < progress[0].left_s
    assert {event.total_kimg for event in progress} == {0.144}
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [line["d/loss"] for line in lines] == pytest.approx([event.stats["d/loss"] for event in progress])


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


@pytest.mark.parametrize("when", ["players", "preview"])
def test_too_little_memory_before_the_first_step_is_explained(tmp_path: Path, when: str) -> None:
    class Hungry(Simple):
        def players(self) -> Players:
            return spent() if when == "players" else super().players()

        def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
            return spent() if when == "preview" else super().preview(networks, batch, draw)

    with pytest.raises(OutOfMemory, match=r"cpu has too little memory for --micro-batch 8"):
        watched(tmp_path, Hungry())


def test_too_little_memory_for_the_last_checkpoint_is_explained(tmp_path: Path) -> None:
    """With a snapshot, the last checkpoint is written after the books of the last step."""

    class Full(Exports):
        def __call__(self, state: TrainingState, path: Path) -> None:
            if state.snapshots:
                spent()

    with pytest.raises(OutOfMemory, match=r"cpu has too little memory"):
        watched(tmp_path, Simple(stages=(Stage("all", snapshot="kept"),)), export=Full())


def spent() -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory.")


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
