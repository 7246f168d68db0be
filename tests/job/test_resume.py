import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from ganvas.errors import FileError, UsageError
from ganvas.job.plan import Pictures, complete
from ganvas.job.resume import (
    CHANGEABLE,
    NEEDED,
    find_run,
    identity,
    kimg_for_minutes,
    plain,
    read_run,
    recorded_config,
    refuse_for_new_runs,
    with_changes,
)
from ganvas.training.config import SETTINGS, TrainConfig, TrainingOptions
from ganvas.training.run import RunFolder
from tests.job.test_plan import OTHER


def config(**given: Any) -> TrainConfig:
    return complete({"precision": "float32", **given}, Pictures(100, (8, 8), 3), torch.device("cpu"))


def run_of(runs: Path, name: str, asked: dict[str, Any]) -> RunFolder:
    (runs / name).mkdir(parents=True)
    run = RunFolder(runs / name)
    run.write_record({"asked": asked})
    return run


def asked_for(pictures: str = "photos", **given: Any) -> dict[str, Any]:
    return identity(Path(pictures), given, {"name": None})


@pytest.mark.parametrize("name", [item.name for settings in SETTINGS for item in fields(settings)])
def test_an_option_tells_runs_apart_or_may_change(name: str) -> None:
    value = {**OTHER, "kind": "upscale"}[name]
    tells_apart = asked_for(**{name: value}) != asked_for()
    try:
        with_changes(config(), {name: value})
        may_change = True
    except UsageError:
        may_change = False
    assert tells_apart != may_change == (name in CHANGEABLE)


def test_what_may_change_is_an_option_of_the_loop() -> None:
    assert {item.name for item in fields(TrainingOptions)} >= CHANGEABLE


def test_the_same_pictures_by_another_path_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert asked_for("photos") == asked_for(str(tmp_path / "photos")) == asked_for("./photos/../photos")
    assert asked_for("photos") != asked_for("other")


def test_identity_survives_json() -> None:
    asked = asked_for(size=(8, 16), augment=("flip", "shift"), lr=0.1, loss="hinge")
    assert json.loads(json.dumps(asked)) == asked


def test_the_newest_run_of_the_same_command_is_found(tmp_path: Path) -> None:
    run_of(tmp_path, "0001-a", asked_for(batch=4))
    wanted = run_of(tmp_path, "0002-a", asked_for(batch=4))
    run_of(tmp_path, "0003-b", asked_for(batch=8))
    (tmp_path / "0004-notes").mkdir()
    assert find_run(tmp_path, "auto", asked_for(batch=4)) == wanted
    assert find_run(tmp_path, "auto", asked_for(batch=5)) is None
    assert find_run(tmp_path, "never", asked_for(batch=4)) is None
    assert find_run(tmp_path / "absent", "auto", asked_for()) is None


def test_a_run_is_found_by_number_name_or_folder(tmp_path: Path) -> None:
    run = run_of(tmp_path, "0002-a", asked_for())
    for name in ("2", "0002", "0002-a", str(tmp_path / "0002-a")):
        assert find_run(tmp_path, name, {}) == run
    for name in ("3", "a", "0002-b", "²"):
        with pytest.raises(UsageError, match=rf"--resume is '{name}', but .* the newest are: 0002-a"):
            find_run(tmp_path, name, {})
    with pytest.raises(UsageError, match="none yet"):
        find_run(tmp_path / "absent", "1", {})


@pytest.mark.parametrize("content", ["{", "[1, 2]", '"x"', "null", "[" * 100_000])
def test_a_damaged_record_is_passed_over_and_named(tmp_path: Path, content: str) -> None:
    wanted = run_of(tmp_path, "0001-a", asked_for(batch=4))
    damaged = run_of(tmp_path, "0002-a", {})
    (tmp_path / "0002-a" / "run.json").write_text(content)
    said: list[str] = []
    assert find_run(tmp_path, "auto", asked_for(batch=4), said.append) == wanted
    assert find_run(tmp_path, "auto", asked_for(batch=5)) is None
    (sentence,) = said
    assert sentence.startswith(f"'{damaged.path}' has ")
    assert sentence.endswith("so it is not a run. It is passed over.")
    with pytest.raises(FileError, match=r"0002-a' has .* so it is not a run"):
        read_run(damaged)


def test_a_run_that_lacks_something_cannot_go_on(tmp_path: Path) -> None:
    run = run_of(tmp_path, "0001-a", asked_for())
    with pytest.raises(FileError, match=r"0001-a' lacks config, plan, data, .*; pass --resume never"):
        read_run(run)
    run.write_record(dict.fromkeys(NEEDED))
    assert read_run(run) == dict.fromkeys(NEEDED)


@pytest.mark.parametrize(("minutes", "kimg"), [(10, 480.0), (1, 48.0), (11, 530.0), (0.001, 0.048)])
def test_minutes_mean_kimg_by_the_speed_on_record(tmp_path: Path, minutes: float, kimg: float) -> None:
    run = RunFolder(tmp_path)
    assert kimg_for_minutes(run, {"plan": {"kimg": 24.0, "predicted_s": 30.0}}, minutes) == kimg
    for plan in ({"kimg": 24.0}, {"kimg": 24.0, "predicted_s": 0.0}, {"kimg": "x", "predicted_s": 1.0}, None):
        with pytest.raises(FileError, match=r"does not tell how fast .*; give --kimg in place of --minutes"):
            kimg_for_minutes(run, {"plan": plan}, minutes)


def test_the_recorded_configuration_is_the_one_written() -> None:
    written = config(**{**OTHER, "augment": ("flip", "cutout")})
    record = {"config": {key: plain(value) for key, value in written.flat().items()}}
    assert recorded_config(json.loads(json.dumps(record))) == written


def test_nothing_changes_by_asking_for_the_same() -> None:
    before = config(lr=1e-3, size=(8, 8), augment=("flip",))
    assert with_changes(before, {"lr": 1e-3, "size": (8, 8), "augment": ("flip",)}) == (before, {})


def test_the_end_of_a_schedule_moves_with_its_start() -> None:
    before = config(lr=1e-3, lr_final=1e-4, gamma=2.0, gamma_final=0.5)
    after, changes = with_changes(before, {"lr": 2e-3, "gamma": 1.0})
    assert (after.training.lr_final, after.training.gamma_final) == (2e-4, 0.25)
    assert changes == {"lr": 2e-3, "lr_final": 2e-4, "gamma": 1.0, "gamma_final": 0.25}
    again, changes = with_changes(after, {"lr": 2e-3, "gamma": 1.0})  # the same command once more
    assert (again, changes) == (after, {})
    after, _ = with_changes(before, {"lr": 2e-3, "lr_final": 1e-4})
    assert after.training.lr_final == 1e-4


def test_the_burn_in_keeps_its_share_of_another_budget() -> None:
    before = config(kimg=40.0, burn_in_kimg=8.0)
    after, changes = with_changes(before, {"kimg": 100.0})
    assert changes == {"kimg": 100.0, "burn_in_kimg": 20.0}
    assert after.training.burn_in_kimg == 20
    assert with_changes(before, {"kimg": 100.0}, asked={"burn_in_kimg"})[1] == {"kimg": 100.0}
    assert with_changes(before, {"kimg": 100.0, "burn_in_kimg": 8.0})[1] == {"kimg": 100.0}


def test_what_cannot_change_is_refused_with_both_values() -> None:
    with pytest.raises(UsageError, match=r"--network is 'mlp', but the run was started with 'fast'.*--resume never"):
        with_changes(config(), {"network": "mlp"})
    with pytest.raises(UsageError, match="--lr is -1"):
        with_changes(config(), {"lr": -1.0})


def test_what_only_a_new_run_takes_is_refused(tmp_path: Path) -> None:
    run, asked = RunFolder(tmp_path), {"name": "x", "start_from": None}
    refuse_for_new_runs(run, asked, {"name": "x", "start_from": None})
    refuse_for_new_runs(run, asked, {"name": None})
    with pytest.raises(UsageError, match=r"--name is 'y', but .* was started with 'x'"):
        refuse_for_new_runs(run, asked, {"name": "y"})
    with pytest.raises(UsageError, match=r"--start-from is 'x', but .* was started without it"):
        refuse_for_new_runs(run, asked, {"start_from": "x"})


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        (
            "G 1",
            "G 2",
            r"The generator passed is G 2, but '.*' was started with G 1; pass that one, or pass --resume never",
        ),
        (
            None,
            "G 2",
            "The generator passed is G 2, but '.*' was started without one; leave it out, or pass --resume never",
        ),
        (
            "G 1",
            None,
            r"has a generator of its author's own, G 1; pass it from Python \(ganvas.train\(generator=...\)\)",
        ),
    ],
)
def test_another_network_of_ones_own_is_refused(
    tmp_path: Path, before: str | None, now: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        refuse_for_new_runs(RunFolder(tmp_path), {"own_generator": before}, {"own_generator": now})
    refuse_for_new_runs(RunFolder(tmp_path), {"own_generator": before}, {"own_generator": before})
