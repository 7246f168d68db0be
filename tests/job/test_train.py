import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ganvas.errors import DataError, FileError, OutOfMemory, UsageError
from ganvas.events import Event, Notice, Planned, Warned, Wrote
from ganvas.job.prepare import Request
from ganvas.job.train import plan, train
from ganvas.model.load import load_model, read_descriptor
from ganvas.training.checkpoint import checkpoint_steps
from ganvas.training.loop import Loop
from tests.data.pictures import write_folder
from tests.runs import (
    SMALL,
    after,
    class_folder,
    files_below,
    picture,
    plain_folder,
    small_train,
    table_folder,
    try_train,
)

pytestmark = pytest.mark.usefixtures("quick")


def record_of(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "run.json").read_text())
    return record


def sentences(events: list[Event], kind: type[Notice] | type[Warned] = Notice) -> list[str]:
    return [event.text for event in events if isinstance(event, kind)]


def last_state(run: Path) -> dict[str, torch.Tensor]:
    return load_file(sorted((run / "checkpoints").glob("*.safetensors"))[-1])


def test_a_run_leaves_what_its_folder_promises(pictures: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    done = try_train(pictures, tmp_path / "runs", events=events)
    run = tmp_path / "runs" / "0001-noise"
    assert (done.run, done.model, done.seen_kimg) == (run, run / "model.safetensors", 0.04)
    assert sorted(path.name for path in run.iterdir() if not path.name.startswith(".")) == [
        "best.safetensors", "checkpoints", "health.jsonl", "log.txt", "model.safetensors", "page.html",
        "run.json", "samples", "scores.jsonl", "stats.jsonl",
    ]  # fmt: skip
    assert checkpoint_steps(run / "checkpoints") == [5, 10]
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["000000000.png", "000000040.png", "real.png"]
    record = record_of(run)
    assert record["command"] == "the call"
    assert record["asked"]["pictures"] == str(pictures)
    assert record["data"]["pictures"] == 60
    assert record["finished_steps"] == 10
    assert record["threads"] == torch.get_num_threads()
    assert record["versions"]["torch"] == torch.__version__
    assert {key: record["config"][key] for key in ("batch", "width", "kimg", "seed")} == {
        "batch": 4, "width": 4, "kimg": 0.04, "seed": 0,
    }  # fmt: skip
    assert done.plan is not None
    assert [event.plan for event in events if isinstance(event, Planned)] == [done.plan.to_dict()]
    assert Wrote("model", run / "model.safetensors") in events
    assert sentences(events) == [f"Run folder: {run}"]
    card, last = read_descriptor(done.model).card, json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    assert (card["seen_kimg"], card["device"], card["started"]) == (0.04, "cpu", record["started"])
    assert card["images_per_s"] == pytest.approx(40 / last["elapsed_s"], rel=0.3)
    log = (run / "log.txt").read_text()
    assert all(f"{name}: {words}\n" in log for name, words in done.plan.lines())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(8, 8), (8, 12), (13, 9)])
def test_any_shape_and_channels(tmp_path: Path, channels: int, size: tuple[int, int]) -> None:
    run = small_train(plain_folder(tmp_path / "x", 12, *size, channels), tmp_path / "runs", kimg=0.008)
    model = load_model(run / "model.safetensors")
    assert (model.descriptor.size, model.descriptor.channels) == (size, channels)
    (painted,) = model.pictures([0])
    assert (painted.height, painted.width, painted.mode) == (*size, {1: "L", 3: "RGB", 4: "RGBA"}[channels])


@pytest.mark.parametrize("network", ["mlp", "dcgan", "resnet", "r3"])
@pytest.mark.parametrize("folder", [plain_folder, class_folder, table_folder])
def test_any_network_and_labels(tmp_path: Path, network: str, folder: Callable[..., Path]) -> None:
    run = small_train(folder(tmp_path / "x", count=12), tmp_path / "runs", network=network, width=16, kimg=0.008)
    model = load_model(run / "model.safetensors")
    kinds = {plain_folder: ("none", 0), class_folder: ("class", 3), table_folder: ("attributes", 2)}
    assert (model.descriptor.labels.kind, len(model.descriptor.labels.names)) == kinds[folder]
    assert model.sample([1]).isfinite().all()


def test_asked_for_another_shape(pictures: Path, tmp_path: Path) -> None:
    run = small_train(pictures, tmp_path, size="6x10", channels=1, fit="pad", kimg=0.008)
    assert load_model(run / "model.safetensors").sample([0]).shape == (1, 1, 6, 10)


def test_the_model_tells_attributes_as_the_table_does(attribute_run: Path) -> None:
    labels = load_model(attribute_run / "model.safetensors").descriptor.labels
    ages, heights = np.arange(60) % 7 + 20, np.arange(60) * 0.5
    np.testing.assert_allclose(labels.mean, [ages.mean(), heights.mean()])
    np.testing.assert_allclose(labels.std, [ages.std(), heights.std()])


def test_class_names_of_any_writing(tmp_path: Path) -> None:
    names = ["Ärger", "palette \U0001f3a8", "[red]", "a.b c"]
    model = load_model(small_train(class_folder(tmp_path / "x", names), tmp_path / "runs") / "model.safetensors")
    assert sorted(model.descriptor.labels.names) == sorted(names)
    assert model.sample([0], label=names[1]).shape == (1, 3, 8, 8)


def test_planning_writes_nothing(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    before = files_below(pictures)
    events: list[Event] = []
    found = plan(Request(pictures, tmp_path / "runs"), SMALL, report=events.append)
    assert events[-1] == Planned(found.lines(), found.to_dict())
    assert list(tmp_path.iterdir()) == []
    assert files_below(pictures) == before


def test_a_finished_run_says_so_and_stays_as_it_is(pictures: Path, tmp_path: Path) -> None:
    run = small_train(pictures, tmp_path)
    before = files_below(tmp_path)
    settings: list[dict[str, Any]] = [{}, {"lr": 9e-4}, {"kimg": 0.02}]
    for options in settings:
        events: list[Event] = []
        done = try_train(pictures, tmp_path, events=events, **options)
        assert (done.run, done.seen_kimg, done.plan) == (run, 0.04, None)
        assert files_below(tmp_path) == before
        (sentence,) = sentences(events)
        assert sentence.startswith(f"'{run}' is finished with 0.04 kimg")
        assert "--kimg" in sentence
        assert "--resume never" in sentence


def test_a_larger_budget_goes_on(pictures: Path, tmp_path: Path) -> None:
    run = small_train(pictures, tmp_path)
    done = try_train(pictures, tmp_path, kimg=0.06)
    assert (done.run, done.seen_kimg) == (run, 0.06)
    assert record_of(run)["changes"][0]["kimg"] == 0.06
    assert record_of(run)["finished_steps"] == 15


def test_stopped_and_asked_again_it_ends_as_if_never_stopped(pictures: Path, tmp_path: Path) -> None:
    whole = small_train(pictures, tmp_path / "whole")
    for step in (2, 0, 4):
        with pytest.raises(KeyboardInterrupt):
            try_train(pictures, tmp_path / "cut", interrupted=after(step))
        assert "finished_steps" not in record_of(tmp_path / "cut" / "0001-noise")
    events: list[Event] = []
    cut = try_train(pictures, tmp_path / "cut", events=events).run
    assert cut == tmp_path / "cut" / "0001-noise"
    assert sentences(events) == [f"Resumed '{cut}' at 0.024 kimg."]
    ours, theirs = last_state(whole), last_state(cut)
    assert set(ours) == set(theirs)
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []
    models = [load_file(run / "model.safetensors") for run in (whole, cut)]
    assert all(torch.equal(models[0][key], models[1][key]) for key in models[0])


def test_never_resume_means_another_run(pictures: Path, tmp_path: Path) -> None:
    first = small_train(pictures, tmp_path)
    done = try_train(pictures, tmp_path, request={"resume": "never"})
    assert done.run == tmp_path / "0002-noise"
    assert try_train(pictures, tmp_path, request={"resume": "1"}).run == first
    assert try_train(pictures, tmp_path).run == done.run  # the newest of the same command


def test_another_command_is_another_run(pictures: Path, tmp_path: Path) -> None:
    runs = [small_train(pictures, tmp_path, **options) for options in ({}, {"seed": 1}, {"loss": "hinge"})]
    named = try_train(pictures, tmp_path, request={"name": "Two Words!"}).run
    assert [run.name for run in runs] == ["0001-noise", "0002-noise", "0003-noise"]
    assert named == tmp_path / "0004-two-words"


def test_changes_at_a_resume_are_on_record(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        try_train(pictures, tmp_path, interrupted=after(3), lr=5e-4, lr_final=1.25e-4, gamma=1.0, gamma_final=0.1)
    events: list[Event] = []
    run = try_train(pictures, tmp_path, events=events, lr=1e-3, gamma=2.0).run
    record = record_of(run)
    (change,) = record["changes"]
    assert {key: change[key] for key in ("lr", "lr_final", "gamma", "gamma_final")} == pytest.approx(
        {"lr": 1e-3, "lr_final": 2.5e-4, "gamma": 2.0, "gamma_final": 0.2}
    )
    assert change["time"].startswith("20")
    assert record["config"]["lr"] == 1e-3
    assert sum("on record" in sentence for sentence in sentences(events)) == 4
    stats = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert stats[-1]["lr"] == pytest.approx(2.5e-4)  # the schedule has run to its end
    assert stats[-1]["gamma"] == pytest.approx(0.2)


def test_a_named_run_keeps_its_network(pictures: Path, tmp_path: Path) -> None:
    run = small_train(pictures, tmp_path)
    before = files_below(tmp_path)
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({}, {"network": "mlp"}, "--network is 'mlp', but the run was started with 'fast'"),
        ({"start_from": run}, {}, "--start-from is .* without it"),
        ({"name": "x"}, {}, "--name is 'x'"),
    ]
    for request, options, words in cases:
        with pytest.raises(UsageError, match=words):
            try_train(pictures, tmp_path, request={"resume": "1", **request}, **options)
    assert files_below(tmp_path) == before


def test_changed_pictures_are_said_and_put_on_record(tmp_path: Path) -> None:
    folder = plain_folder(tmp_path / "x", 20)
    with pytest.raises(KeyboardInterrupt):
        try_train(folder, tmp_path / "runs", interrupted=after(3))
    write_folder(folder, {"more.png": picture(99)})
    events: list[Event] = []
    run = try_train(folder, tmp_path / "runs", events=events).run
    (sentence,) = sentences(events, Warned)
    assert sentence.startswith(f"The 21 pictures are not the 20 that '{run}' was started with")
    assert record_of(run)["changes"][0]["data"]["pictures"] == 21
    assert record_of(run)["data"]["pictures"] == 21


def test_changed_classes_are_refused(tmp_path: Path) -> None:
    folder = class_folder(tmp_path / "x")
    with pytest.raises(KeyboardInterrupt):
        try_train(folder, tmp_path / "runs", interrupted=after(3))
    write_folder(folder, {"hat/0.png": picture(99)})
    with pytest.raises(DataError, match="labels are now coat, dress, hat, shoe, but"):
        try_train(folder, tmp_path / "runs")


def test_few_broken_pictures_are_listed(tmp_path: Path) -> None:
    folder = write_folder(plain_folder(tmp_path / "x", 40), {"003.png": b"no picture", "004.png": picture(4)[:80]})
    events: list[Event] = []
    run = try_train(folder, tmp_path / "runs", events=events).run
    assert [line.split("\t")[0] for line in (run / "unreadable.txt").read_text().splitlines()] == ["003.png", "004.png"]
    (sentence,) = sentences(events, Warned)
    assert sentence == f"2 pictures cannot be read; '{run / 'unreadable.txt'}' lists them."
    assert sentence in (run / "log.txt").read_text()


def test_many_broken_pictures_leave_no_run(tmp_path: Path) -> None:
    """Their headers are whole, so only packing finds out."""
    folder = plain_folder(tmp_path / "x", 40)
    write_folder(folder, {f"{row:03d}.png": picture(row)[:80] for row in range(3)})
    with pytest.raises(DataError, match="3 of 40 pictures"):
        try_train(folder, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_starting_from_another_model(pictures: Path, tmp_path: Path, class_run: Path) -> None:
    folder = class_folder(tmp_path / "x", ("shoe", "hat", "coat", "scarf"))
    events: list[Event] = []
    request = {"start_from": class_run}
    run = try_train(folder, tmp_path / "runs", request=request, events=events, kimg=0.008, lr=1e-9, lr_final=0).run
    said = sentences(events)[1:]
    assert [sentence.split(":")[0] for sentence in said] == ["generator", "discriminator"]
    assert not any("new are" in sentence for sentence in said)
    assert all(sentence in (run / "log.txt").read_text() for sentence in said)
    before, now = (load_model(path / "model.safetensors") for path in (class_run, run))
    torch.testing.assert_close(now.sample([3], label="shoe"), before.sample([3], label="shoe"), atol=1e-4, rtol=0)
    assert not torch.allclose(now.sample([3], label="hat"), before.sample([3], label="dress"), atol=1e-4)


def test_starting_from_another_size_and_without_labels(pictures: Path, tmp_path: Path, class_run: Path) -> None:
    events: list[Event] = []
    model = tmp_path / "alone.safetensors"
    model.write_bytes((class_run / "model.safetensors").read_bytes())
    done = try_train(pictures, tmp_path, request={"start_from": model}, events=events, size=16, kimg=0.008)
    said = sentences(events)[1:]
    assert all("new are" in sentence for sentence in said)
    assert said[1].startswith("discriminator: 0 of")  # a model file holds the generator alone
    assert load_model(done.model).sample([0]).shape == (1, 3, 16, 16)


def test_a_resumed_run_needs_its_first_model_no_more(pictures: Path, tmp_path: Path) -> None:
    old = small_train(pictures, tmp_path / "old")
    request = {"start_from": old}
    with pytest.raises(KeyboardInterrupt):
        try_train(pictures, tmp_path / "runs", request=request, interrupted=after(2))
    (old / "model.safetensors").unlink()
    events: list[Event] = []
    assert try_train(pictures, tmp_path / "runs", request=request, events=events).seen_kimg == 0.04
    assert not any("carried" in sentence for sentence in sentences(events))


def test_a_model_that_is_not_there_is_told_before_anything_is_done(pictures: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(FileError, match="There is no model file"):
        try_train(pictures, tmp_path / "runs", request={"start_from": tmp_path / "none"}, events=events)
    assert events == []
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("request_", "options", "words"),
    [
        ({"minutes": 1.0}, {}, "--minutes is 1 and --kimg is 0.04; give one of them"),
        ({"minutes": 0.0}, {"kimg": None}, "--minutes is 0, but it must be above 0"),
        ({"minutes": math.nan}, {"kimg": None}, "--minutes is nan, but it must be above 0"),
        ({"minutes": math.inf}, {"kimg": None}, "--minutes is inf, but it must be above 0"),
        ({"minutes": 1e300}, {"kimg": None}, r"--minutes is 1e\+300, but .* at most 525600, a year"),
        ({"minutes": 525601}, {"kimg": None}, "--minutes is 525601, but .* at most 525600, a year"),
        ({"resume": "77"}, {}, "--resume is '77'"),
        ({"device": "cuda:99"}, {}, "--device is 'cuda:99'"),
    ],
)
def test_contradictions_are_refused(
    pictures: Path, tmp_path: Path, request_: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        try_train(pictures, tmp_path / "runs", request=request_, **options)
    assert not (tmp_path / "runs").exists()


def test_minutes_win_over_the_budget_of_a_preset(pictures: Path, tmp_path: Path) -> None:
    options = {key: value for key, value in SMALL.items() if key != "kimg"}
    training = plan(Request(pictures, tmp_path, minutes=1e-4, preset="demo"), options).config.training
    assert training.kimg < 40
    assert training.gamma == 6.0  # of the preset


def test_smaller_parts_after_running_out_of_memory(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Loop.play

    def only_two_fit(loop: Loop) -> Any:
        if loop.options.micro_batch > 2:
            raise OutOfMemory("too little for 4")
        return played(loop)

    monkeypatch.setattr(Loop, "play", only_two_fit)
    with pytest.raises(OutOfMemory):
        try_train(pictures, tmp_path / "a")
    events: list[Event] = []
    run = try_train(pictures, tmp_path / "b", request={"auto_batch": True}, events=events).run
    record = record_of(run)
    assert record["config"]["micro_batch"] == 2
    assert [(change["micro_batch"], change["why"]) for change in record["changes"]] == [(2, "too little for 4")]
    assert sentences(events, Warned) == ["Too little memory: going on with --micro-batch 2."]

    def nothing_fits(loop: Loop) -> Any:
        raise OutOfMemory("too little")

    monkeypatch.setattr(Loop, "play", nothing_fits)
    with pytest.raises(OutOfMemory):
        try_train(pictures, tmp_path / "c", request={"auto_batch": True})


def test_a_folder_given_by_a_dot_gives_the_run_its_name(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    done = train(Request(Path(os.curdir), tmp_path), {**SMALL, "kimg": 0.008})
    assert done.run == tmp_path / "0001-noise"


def test_sheets_are_marked_and_the_real_one_is_not(plain_run: Path) -> None:
    marks = {path.name: b"trainedAlgorithmicMedia" in path.read_bytes() for path in (plain_run / "samples").iterdir()}
    assert marks.pop("real.png") is False
    assert set(marks.values()) == {True}
    with Image.open(plain_run / "samples" / "real.png") as sheet:
        assert sheet.size == (4 * 8 + 3 * 2 + 4 * 10, 8)  # four pictures in a row of eight cells
