import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ganvas.cli.train import StopSignal
from ganvas.job.recipe import TRAIN_OPTIONS
from tests.cli.conftest import Ganvas
from tests.data.pictures import write_folder
from tests.runs import FLAGS, class_folder, files_below, picture, plain_folder

NO_KIMG = [word for pair in zip(FLAGS[::2], FLAGS[1::2], strict=True) if pair[0] != "--kimg" for word in pair]
pytestmark = pytest.mark.usefixtures("quick")


def test_a_run_from_start_to_model(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "0001-noise"
    said = ganvas("train", pictures, "--runs", tmp_path, *FLAGS)
    assert said.code == 0
    assert said.out == f"Model: {run / 'model.safetensors'}\nGrids: {run / 'samples'}\n"
    assert "pictures  60, no labels" in said.err
    assert "shape     8x8, 3 channels, crop" in said.err
    assert "of 0.04 kimg" in said.err
    assert said.err.endswith(f"Next:  ganvas sample {run} --seeds 0-63 --grid 8x8\n")
    assert ganvas("sample", run, "--out", tmp_path / "out").code == 0
    assert ganvas("inspect", run).code == 0


def test_the_same_command_after_the_end(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    command = ["train", pictures, "--runs", tmp_path, *FLAGS]
    first = ganvas(*command)
    before = files_below(tmp_path)
    said = ganvas(*command)
    assert (said.code, said.out) == (0, first.out)
    assert (
        "is finished with 0.04 kimg; give a larger --kimg or --minutes to train it further, or --resume never"
        in said.err
    )
    assert files_below(tmp_path) == before


def test_json_is_one_object_and_all_else_goes_elsewhere(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    said = ganvas("train", pictures, "--runs", tmp_path, *FLAGS, "--json")
    assert said.code == 0
    result = json.loads(said.out)
    run = tmp_path / "0001-noise"
    assert {key: result[key] for key in ("run", "model", "seen_kimg")} == {
        "run": str(run),
        "model": str(run / "model.safetensors"),
        "seen_kimg": 0.04,
    }
    assert result["plan"]["config"]["batch"] == 4
    assert "Run folder" in said.err
    again = json.loads(ganvas("train", pictures, "--runs", tmp_path, *FLAGS, "--json").out)
    assert again == {**result, "plan": None}
    assert ganvas("inspect", run, "--json").out.count("\n") == 1


def test_one_of_many_processes_speaks(
    ganvas: Ganvas, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert ganvas("train", pictures, "--runs", tmp_path, *FLAGS, "--json").out == ""


def test_a_dry_run_leaves_no_trace(
    ganvas: Ganvas, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for flag in ("--dry-run", "-n"):
        said = ganvas("train", pictures, *FLAGS, flag)
        assert (said.code, said.out) == (0, "")
        assert "budget    0.04 kimg: about" in said.err
        assert list(tmp_path.iterdir()) == []
    result = json.loads(ganvas("train", pictures, *FLAGS, "--dry-run", "--json").out)
    assert (result["run"], result["model"], result["plan"]["pictures"]) == (None, None, 60)


def test_every_option_by_flag(ganvas: Ganvas, pictures: Path) -> None:
    page = ganvas("train", "--help").out
    for option in TRAIN_OPTIONS:
        assert option.flag in page
    flags = {"--size": "6x10", "--augment": "flip,shift", "--mirror": None, "--no-augment-shared": None, "--lr": "1e-3"}
    words = [word for pair in flags.items() for word in pair if word is not None]
    result = json.loads(ganvas("train", pictures, *FLAGS, *words, "-n", "--json").out)
    config = result["plan"]["config"]
    assert [config[key] for key in ("size", "augment", "mirror", "augment_shared", "lr")] == [
        [6, 10],
        ["flip", "shift"],
        True,
        False,
        1e-3,
    ]


def test_presets_and_files(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('network = "mlp"\nwidth = 9\nlr = 3e-4\nprecision = "float32"\n')
    words = ["--preset", "gan", "--config", tmp_path / "mine.toml", "--width", 5, "-n", "--json"]
    config = json.loads(ganvas("train", pictures, *words).out)["plan"]["config"]
    assert [config[key] for key in ("loss", "lr", "width", "batch")] == ["non-saturating", 3e-4, 5, 100]
    (tmp_path / "mine.toml").write_text("lrr = 3e-4\n")
    said = ganvas("train", pictures, "--config", tmp_path / "mine.toml")
    assert said.code == 2
    assert "There is no option" in said.err
    assert "Did you mean 'lr'" in said.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--minutes", "1"], 2, "--minutes is 1 and --kimg is 0.04; give one of them."),
        (["--preset", "dcgn"], 2, "There is no preset 'dcgn'. Did you mean 'dcgan'?"),
        (["--generator", "fsat"], 2, "There is no network 'fsat'. Did you mean 'fast'?"),
        (["--size", "9x9x9"], 2, "--size is '9x9x9' in the command line, but a size is"),
        (["--augment", "flop"], 2, "--augment is 'flop' in the command line, but it must be one of: flip"),
        (["--channels", "2"], 2, "--channels is 2, but pictures have 1, 3 or 4 channels."),
        (["--lr", "0"], 2, "--lr is 0.0, but it must be above 0."),
        (["--lr", "nan"], 2, "--lr is nan in the command line, but it must be a finite number."),
        (["--blocks", "1000"], 2, "The argument 'blocks' of the generator 'fast' is 1000"),
        (["--resume", "77"], 2, "--resume is '77', but there is no such run"),
        (["--device", "abacus"], 2, "--device is 'abacus', but this machine has:"),
        (["--labels", "folders"], 1, "60 pictures lie outside of sub-folders"),
        (["--start-from", "nowhere"], 1, "There is no model file 'nowhere'."),
        (
            ["--config", "nowhere.toml"],
            1,
            "The configuration 'nowhere.toml' cannot be read (No such file or directory); give a TOML",
        ),
    ],
)
def test_wrong_use(ganvas: Ganvas, pictures: Path, tmp_path: Path, words: list[str], code: int, sentence: str) -> None:
    said = ganvas("train", pictures, "--runs", tmp_path / "runs", *FLAGS, *words, "--json")
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"error: {sentence}")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_no_pictures(ganvas: Ganvas, tmp_path: Path) -> None:
    said = ganvas("train", tmp_path / "none", *FLAGS)
    assert said == (1, "", f"error: There is nothing at '{tmp_path / 'none'}'; check the path.\n")
    (tmp_path / "empty").mkdir()
    assert "There are no pictures in" in ganvas("train", tmp_path / "empty", *FLAGS).err


def test_runs_that_cannot_be_written(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = ganvas("train", pictures, "--runs", tmp_path / "file", *FLAGS)
    assert (said.code, said.out) == (1, "")
    assert "choose another --runs folder" in said.err.splitlines()[-1]


def test_broken_pictures_are_counted_or_refused(ganvas: Ganvas, tmp_path: Path) -> None:
    folder = write_folder(plain_folder(tmp_path / "few", 40), {"003.png": b"no picture"})
    said = ganvas("train", folder, "--runs", tmp_path / "runs", *FLAGS)
    assert said.code == 0
    listed = tmp_path / "runs" / "0001-few" / "unreadable.txt"
    assert f"warning: 1 pictures cannot be read; '{listed}' lists them.\n" in said.err
    write_folder(folder, {f"{row:03d}.png": picture(row)[:80] for row in range(5)})
    said = ganvas("train", folder, "--runs", tmp_path / "others", *FLAGS)
    assert said.code == 1
    assert "5 of 40 pictures" in said.err.splitlines()[-1]
    assert not (tmp_path / "others").exists()


def test_resuming_by_number(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "0001-noise"
    ganvas("train", pictures, "--runs", tmp_path, *FLAGS)
    said = ganvas("train", pictures, "--runs", tmp_path, "--resume", 1, "--kimg", "0.06", "--lr", "1e-3", "--json")
    assert (said.code, json.loads(said.out)["seen_kimg"]) == (0, 0.06)
    assert f"lr is now 0.001; the change is on record in '{run / 'run.json'}'." in said.err
    changes: list[dict[str, Any]] = json.loads((run / "run.json").read_text())["changes"]
    assert (changes[0]["lr"], changes[0]["kimg"], changes[0]["after_kimg"]) == (1e-3, 0.06, 0.04)
    refused = ganvas("train", pictures, "--runs", tmp_path, "--resume", 1, "--network", "mlp")
    assert (refused.code, refused.out) == (2, "")
    assert "--network is 'mlp', but the run was started with 'fast'" in refused.err


def test_fine_tuning_says_what_was_carried(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    folder = class_folder(tmp_path / "x", ("hat", "coat"))
    words = ["--start-from", class_run, "--size", "16", "--kimg", "0.008"]
    said = ganvas("train", folder, "--runs", tmp_path / "runs", *NO_KIMG, *words)
    assert said.code == 0
    assert "\ngenerator: " in said.err
    assert "\ndiscriminator: " in said.err
    assert "tensors carried over, new are " in said.err


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C another way")
def test_ctrl_c_saves_and_the_same_command_goes_on(ganvas: Ganvas, pictures: Path, tmp_path: Path) -> None:
    """The signal comes after the third line of statistics; the run that is planned beforehand spares the measuring."""
    command = ["train", str(pictures), *NO_KIMG, "--kimg", "0.2", "--tick-every", "0.004", "--runs"]
    cut = tmp_path / "cut" / "0001-noise"
    assert ganvas(*command, tmp_path / "whole").code == 0
    for name in ("samples", "checkpoints"):
        (cut / name).mkdir(parents=True)
    record = json.loads((tmp_path / "whole" / "0001-noise" / "run.json").read_text())
    del record["finished_steps"]
    (cut / "run.json").write_text(json.dumps(record))

    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(
        [sys.executable, "-m", "ganvas", *command, str(tmp_path / "cut")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    lines = [line for line, _ in zip(iter(process.stderr.readline, ""), range(3), strict=False)]
    assert all("of 0.2 kimg" in line for line in lines)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "Stopping after this step, everything saved; press Ctrl-C again to stop at once.\n" in err
    assert err.endswith("error: Stopped; the same command goes on from here.\n")
    steps = [int(path.stem) for path in (cut / "checkpoints").glob("*.safetensors")]
    assert 3 <= max(steps) < 50
    assert json.loads((cut / "stats.jsonl").read_text().splitlines()[-1])["step"] == max(steps)

    said = ganvas(*command, tmp_path / "cut")
    assert said.code == 0
    assert f"Resumed '{cut}' at {max(steps) * 0.004:g} kimg." in said.err
    models = [load_file(tmp_path / name / "0001-noise" / "model.safetensors") for name in ("whole", "cut")]
    assert all(torch.equal(models[0][key], models[1][key]) for key in models[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_planning_or_packing_stops_at_once(
    ganvas: Ganvas, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def pressed(*arguments: object) -> None:
        signal.raise_signal(number)

    for place in ("prepare.calibrate", "begin.packed_pictures"):
        with monkeypatch.context() as patch:
            patch.setattr(f"ganvas.job.{place}", pressed)
            said = ganvas("train", pictures, "--runs", tmp_path / "runs", *FLAGS)
        assert (said.code, said.out) == (1, "")
        assert said.err.endswith("error: Stopped before the training began; the same command starts it.\n")
        assert "everything saved" not in said.err
        assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Stopped; the same command goes on from here."),
        (("--resume", "never"), "Stopped; the same command without --resume never goes on from here."),
    ],
)
def test_ctrl_c_in_the_loop_says_how_to_go_on(
    ganvas: Ganvas,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    sentence: str,
) -> None:
    command = ["train", pictures, "--runs", tmp_path, *FLAGS]
    asks, kept = StopSignal.__call__, []

    def pressed(signals: StopSignal) -> bool:
        asks(signals)
        kept.append(signals.playing)
        return True

    with monkeypatch.context() as patch:
        patch.setattr(StopSignal, "__call__", pressed)
        said = ganvas(*command, *words)
    assert (said.code, kept) == (1, [True])
    assert said.err.endswith(f"error: {sentence}\n")
    said = ganvas(*command)
    assert said.code == 0
    assert f"Resumed '{tmp_path / '0001-noise'}' at 0 kimg." in said.err


def test_the_record_tells_the_command(
    ganvas: Ganvas, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [str(word) for word in ("train", pictures, "--runs", tmp_path / "my runs", *FLAGS)]
    monkeypatch.setattr(sys, "argv", ["/some/where/ganvas", *words])
    assert ganvas(*words).code == 0
    record = json.loads((tmp_path / "my runs" / "0001-noise" / "run.json").read_text())
    assert shlex.split(record["command"]) == ["ganvas", *words]


def test_ctrl_c_twice_stops_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    asked = StopSignal()
    assert not asked()  # the loop plays
    signal.raise_signal(signal.SIGINT)
    assert asked()
    assert (
        capsys.readouterr().err == "Stopping after this step, everything saved; press Ctrl-C again to stop at once.\n"
    )
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
