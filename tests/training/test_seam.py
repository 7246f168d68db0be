"""The loop trains a task it has never heard of: two generators, two critics, terms, history, stages."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from ganvas.draw import Draw
from ganvas.errors import UsageError
from ganvas.training.checkpoint import checkpoint_path, read_checkpoint
from ganvas.training.config import TrainingOptions
from ganvas.training.stages import check_stages
from ganvas.training.task import Stage
from tests.training.toys import Exports, NoisyStripes, Painter, TwoWay, options, play
from tests.training.watching import Before, KilledError, differing

ALL_AT_WORK = {"augment": ("flip", "shift", "colour"), "augment_policy": "fixed", "augment_p": 1.0}
MOVING = {**ALL_AT_WORK, "augment_policy": "cosine"}


def test_trains_both_directions_and_keeps_the_snapshot(tmp_path: Path) -> None:
    export = Exports()
    state = play(tmp_path, options(kimg=1.6), export=export)
    assert set(export.networks) == {"a_to_b", "b_to_a"}  # helpers and critics are not exported
    assert {key.split("/")[1] for key in export.snapshots} == {"a_to_b", "b_to_a"}
    batch = NoisyStripes().at(0, Draw(1, 64))
    trained = {**state.players.networks(), **state.averages}
    untrained = {**trained, "a_to_b": Painter().eval(), "b_to_a": Painter().eval()}
    cycle = TwoWay().evaluate(trained, batch, Draw(1, 64))["cycle"]
    assert cycle < 0.7 * TwoWay().evaluate(untrained, batch, Draw(1, 64))["cycle"]


def test_critics_rest_in_the_pixel_stage_and_train_in_the_next(tmp_path: Path) -> None:
    seen: dict[int, dict[str, torch.Tensor]] = {}
    for step in (0, 9, 12):
        with suppress(KeyboardInterrupt):
            play(tmp_path / str(step), options(), interrupted=Before(step + 1, kill=False))
        seen[step], _ = read_checkpoint(checkpoint_path(tmp_path / str(step) / "checkpoints", step))
    learned = [key for key in seen[0] if key.startswith("network.critic") and key.endswith(("weight", "original"))]
    assert learned
    assert all(torch.equal(seen[0][key], seen[9][key]) for key in learned)
    assert not any(torch.equal(seen[9][key], seen[12][key]) for key in learned)


@pytest.mark.parametrize("settings", [options(**MOVING), options(**ALL_AT_WORK), options(micro_batch=3)])
def test_killed_and_resumed_is_bit_equal(tmp_path: Path, settings: TrainingOptions) -> None:
    whole = play(tmp_path / "whole", settings)
    for step in (3, 5, 9, 4):  # kills in both stages, on and off the checkpoint grid
        with pytest.raises(KilledError):
            play(tmp_path / "cut", settings, interrupted=Before(step + 1, kill=True))
    pieces = play(tmp_path / "cut", settings)
    assert differing(whole, pieces) == []
    assert whole.counters.augment_p == pieces.counters.augment_p == (1.0 if settings.augment else 0.0)


def test_stopped_and_resumed_is_bit_equal(tmp_path: Path) -> None:
    settings = options(**ALL_AT_WORK)
    whole = play(tmp_path / "whole", settings)
    for step in (3, 4, 1, 6):
        with pytest.raises(KeyboardInterrupt):
            play(tmp_path / "cut", settings, interrupted=Before(step + 1, kill=False))
    assert differing(whole, play(tmp_path / "cut", settings)) == []


def test_after_kills_every_line_of_statistics_is_there_once(tmp_path: Path) -> None:
    play(tmp_path / "whole", options())
    for step in (6, 9):
        with pytest.raises(KilledError):
            play(tmp_path / "cut", options(), interrupted=Before(step + 1, kill=True))
    play(tmp_path / "cut", options())
    for name in ("stats.jsonl", "health.jsonl", "scores.jsonl"):
        whole, cut = (
            [json.loads(line)["seen_kimg"] for line in (tmp_path / run / name).read_text().splitlines()]
            for run in ("whole", "cut")
        )
        assert cut == whole
        assert len(whole) == len(set(whole)) > 3


def test_a_stop_rule_ends_a_stage_early(tmp_path: Path) -> None:
    task = TwoWay(stages=(Stage("pixels", 0.5, critics=False), *TwoWay().stages[1:]))
    impatient = TwoWay(
        stages=(task.stages[0], Stage("adversarial", 0.5, stop=type(task.stages[1].stop)("cycle", 0)))  # type: ignore[misc]
    )
    assert play(tmp_path / "a", options(), task=task).counters.step == 20
    assert play(tmp_path / "b", options(), task=impatient).counters.step == 15


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ((Stage("a", 0.4), Stage("b", 0.4)), "sum to 0.8"),
        ((Stage("a", generators=False, critics=False),), "neither"),
        ((Stage("a", critics=False),), "no terms"),
    ],
)
def test_impossible_stages_are_refused(stages: tuple[Stage, ...], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        check_stages(stages, has_terms=False, has_critics=True)
