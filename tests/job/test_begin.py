"""Which run a command goes on with, what it changes there, and what it must leave alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganvas
from ganvas.errors import FileError, TrainingError, UsageError
from ganvas.events import Event, Notice, Warned
from ganvas.job.begin import seen_kimg
from ganvas.job.calibrate import Calibration
from ganvas.training.lock import only_trainer
from ganvas.training.run import RunFolder
from tests.data.pictures import write_folder
from tests.runs import SMALL, files_below, plain_folder, table_folder, try_train

pytestmark = pytest.mark.usefixtures("quick")


def now() -> bool:
    """Someone who asks to stop before the first step."""
    return True


def record_of(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "run.json").read_text())
    return record


def sentences(events: list[Event], kind: type[Notice] | type[Warned] = Notice) -> list[str]:
    return [event.text for event in events if isinstance(event, kind)]


def costs(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    monkeypatch.setattr("ganvas.job.prepare.calibrate", lambda *arguments: Calibration(step_s, 0.0, None, 0))


def stopped(pictures: Path, runs: Path, minutes: float | None = None, **options: Any) -> list[str]:
    """What is said by a command that is stopped before the first step."""
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        try_train(pictures, runs, request={"minutes": minutes}, events=events, interrupted=now, **options)
    return sentences(events)


def test_other_minutes_go_on_with_the_run(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs(monkeypatch, step_s=0.06)
    stopped(pictures, tmp_path, 0.01, kimg=None)
    (run,) = tmp_path.iterdir()
    assert (record_of(run)["config"]["kimg"], record_of(run)["minutes"]) == (0.04, 0.01)  # ten steps of four pictures
    costs(monkeypatch, step_s=9.0)  # what counts is the speed on record
    stopped(pictures, tmp_path, 0.01, kimg=None)
    assert record_of(run)["changes"] == []  # equal minutes are no change
    said = stopped(pictures, tmp_path, 0.02, kimg=None)
    told = ["kimg is now 0.08", "burn_in_kimg is now 0.08", "minutes is now 0.02"]
    assert [sentence.split(";")[0] for sentence in said[:3]] == told
    stopped(pictures, tmp_path, None, kimg=None)  # neither minutes nor kimg: as it is
    done = try_train(pictures, tmp_path, request={"minutes": 0.02}, kimg=None)
    assert (done.run, done.seen_kimg) == (run, 0.08)
    (change,) = record_of(run)["changes"]
    assert {key: change[key] for key in ("minutes", "kimg", "after_kimg", "command")} == {
        "minutes": 0.02, "kimg": 0.08, "after_kimg": 0.0, "command": "the call",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == [run]


def test_minutes_and_kimg_take_turns(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs(monkeypatch, step_s=0.06)
    stopped(pictures, tmp_path, None, kimg=0.04)
    (run,) = tmp_path.iterdir()
    budgets: list[tuple[float | None, float | None]] = [(0.02, None), (None, 0.06), (0.02, None)]
    for minutes, kimg in budgets:
        stopped(pictures, tmp_path, minutes, kimg=kimg)
        assert record_of(run)["minutes"] == minutes
        assert record_of(run)["config"]["kimg"] == (kimg or 0.08)
    assert list(tmp_path.iterdir()) == [run]
    assert len(record_of(run)["changes"]) == 3


def test_more_minutes_go_on_with_a_finished_run(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs(monkeypatch, step_s=0.06)
    first = try_train(pictures, tmp_path, request={"minutes": 0.01}, kimg=None)
    events: list[Event] = []
    less = try_train(pictures, tmp_path, request={"minutes": 0.005}, kimg=None, events=events)
    assert (less.run, less.seen_kimg) == (first.run, 0.04)
    assert "give a larger --kimg or --minutes" in sentences(events)[0]
    more = try_train(pictures, tmp_path, request={"resume": "1", "minutes": 0.02}, kimg=None)
    assert (more.run, more.seen_kimg) == (first.run, 0.08)


class Paint(nn.Module):
    """A generator whose hidden layer is as wide as one likes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.Linear(width, 3 * 8 * 8))

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = torch.tanh(self.layers(latents)).unflatten(1, (3, 8, 8))
        return images


class OtherPaint(Paint):
    """The same tensors, but somebody else's idea."""


def test_another_network_of_ones_own_is_another_run(pictures: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "kimg": 0.008}
    names = []
    for network in (Paint(4), Paint(5), OtherPaint(4), Paint(4)):
        names.append(ganvas.train(pictures, runs=tmp_path, generator=network, **settings).run.name)
    assert names == ["0001-noise", "0002-noise", "0003-noise", "0001-noise"]
    before = files_below(tmp_path)
    with pytest.raises(UsageError, match=r"The generator passed is Paint .*, but .* with Paint .*--resume never"):
        ganvas.train(pictures, runs=tmp_path, generator=Paint(5), resume="1", **settings)
    with pytest.raises(UsageError, match="has a generator of its author's own"):
        ganvas.train(pictures, runs=tmp_path, resume="1", kimg=1)
    assert files_below(tmp_path) == before


def test_a_run_that_is_training_is_left_alone(pictures: Path, tmp_path: Path) -> None:
    stopped(pictures, tmp_path)
    (run,) = tmp_path.iterdir()
    before = files_below(run)
    with only_trainer(run), pytest.raises(TrainingError, match=f"Another process is training '{run}'"):
        try_train(pictures, tmp_path, lr=9e-4, kimg=1)
    assert files_below(run) == before
    assert try_train(pictures, tmp_path).run == run  # the lock is free again, and nothing was changed
    assert record_of(run)["changes"] == []


def test_a_run_is_let_go_of_when_it_ends(pictures: Path, tmp_path: Path) -> None:
    for _ in range(2):
        stopped(pictures, tmp_path)
    (run,) = tmp_path.iterdir()
    with only_trainer(run):
        pass


def test_a_damaged_neighbour_does_not_stand_in_the_way(pictures: Path, tmp_path: Path) -> None:
    for number, content in enumerate(("{", "[1]", '{"asked": {}}'), 1):
        write_folder(tmp_path / f"{number:04d}-x", {"run.json": content.encode()})
    events: list[Event] = []
    done = try_train(pictures, tmp_path, events=events, kimg=0.008)
    assert done.run == tmp_path / "0004-noise"
    assert [sentence.split("'")[1] for sentence in sentences(events, Warned)] == [
        str(tmp_path / "0002-x"),
        str(tmp_path / "0001-x"),
    ]
    for name in ("0001-x", "0002-x", "0003-x"):
        with pytest.raises(FileError, match=name):
            try_train(pictures, tmp_path, request={"resume": name})


def test_changed_labels_are_said_and_put_on_record(tmp_path: Path) -> None:
    folder = table_folder(tmp_path / "x", 20)
    stopped(folder, tmp_path / "runs")
    (run,) = (tmp_path / "runs").iterdir()
    first = record_of(run)["data"]
    table = (folder / "labels.csv").read_text().replace("000.png,20,", "000.png,90,")
    (folder / "labels.csv").write_text(table)
    events: list[Event] = []
    try_train(folder, tmp_path / "runs", events=events)
    (sentence,) = sentences(events, Warned)
    assert sentence.startswith(f"The labels of the 20 pictures are not those that '{run}' was started with;")
    record = record_of(run)
    assert record["data"] == record["changes"][0]["data"] != first
    assert record["data"]["key"] == first["key"]  # the pictures are the same
    events = []
    try_train(folder, tmp_path / "runs", events=events, kimg=0.06)
    assert sentences(events, Warned) == []


def test_a_table_of_labels_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plain_folder(tmp_path / "x", 12)
    rows = "".join(f"{row:03d}.png,{'ab'[row % 2]}\n" for row in range(12))
    write_folder(tmp_path, {"mine.csv": f"file,class\n{rows}".encode()})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    stopped(folder, tmp_path / "runs", labels="mine.csv")
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = try_train(folder, tmp_path / "runs", request={"resume": "1"}, labels="../mine.csv")
    assert done.run == tmp_path / "runs" / "0001-x"
    assert record_of(done.run)["config"]["labels"] == str(tmp_path / "mine.csv")
    assert try_train(folder, tmp_path / "runs", request={"resume": "1"}, kimg=0.06).seen_kimg == 0.06


def test_what_was_seen_is_the_last_line(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert seen_kimg(run) == 0.0
    for seen in (1.5, 3):
        run.append("stats.jsonl", {"seen_kimg": seen})
    assert seen_kimg(run) == 3.0
