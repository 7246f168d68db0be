import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganvas.cli import app as module
from ganvas.cli.app import main
from ganvas.errors import FileError, OutOfMemory
from tests.cli.conftest import Ganvas

COMMANDS = ["check", "inspect", "presets", "sample", "train"]


def test_help_lists_every_command_in_one_line(ganvas: Ganvas) -> None:
    said = ganvas("--help")
    assert (said.code, said.err) == (0, "")
    for name in COMMANDS:
        (line,) = [line for line in said.out.splitlines() if line.strip("│ ").startswith(name + " ")]
        assert line.rstrip("│ ").endswith(".")  # the whole sentence fits
    assert ganvas().out == said.out
    assert ganvas("--version").out.strip() == "0.1.0"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help(ganvas: Ganvas, name: str) -> None:
    said = ganvas(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Usage: ganvas {name}" in said.out


def test_examples_stand_as_they_are_typed(ganvas: Ganvas) -> None:
    said = ganvas("train", "--help").out
    assert "\nganvas train photos/ --minutes 20   " in said
    assert "\nganvas train photos/ --size 192x320 --kimg 2000 --name beach\n" in said


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_help_needs_no_torch(words: list[str]) -> None:
    """In a process of its own, since this one has torch."""
    call = f"try: main({[*words, '--help']})\nfinally: print('torch' in sys.modules)"
    code = f"import sys; from ganvas.cli.app import main\n{call}"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("False", "")


def test_a_command_keeps_the_memory_it_frees(ganvas: Ganvas, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(module, "keep_freed_memory", lambda: asked.append(True))
    ganvas("presets")
    assert asked == [True]


def test_as_a_module() -> None:
    command = [sys.executable, "-W", "error", "-m", "ganvas", "--help"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ganvas COMMAND")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], 'Unknown command "trian". Did you mean "train"?'),
        (["train", "x", "--kmig", "3"], "Unknown option: --kmig. Did you mean --kimg?"),
        (["train", "x", "--batch", "many"], '--batch: unable to convert "many" into int'),
        (["train", "x", "--loss", "hing"], 'Did you mean "hinge"?'),
        (["train"], "PICTURES requires an argument"),
        (["sample", "x", "--format", "gif"], 'Invalid value "gif" for --format. Choose from: "png", "webp".'),
        (["check", "a", "b"], "'b' belongs to no option; leave it out, or see ganvas check --help."),
        (["presets", "dcgn"], "There is no preset 'dcgn'. Did you mean 'dcgan'?"),
    ],
)
def test_wrong_use_is_one_sentence_with_a_way_out(ganvas: Ganvas, words: list[str], sentence: str) -> None:
    said = ganvas(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert sentence in said.err


def test_what_cannot_be_done_is_one_sentence(ganvas: Ganvas, tmp_path: Path) -> None:
    said = ganvas("inspect", tmp_path / "none")
    assert said == (1, "", f"error: There is no file '{tmp_path / 'none'}'.\n")


def test_too_little_memory_is_one_sentence(ganvas: Ganvas, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **settings: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "app", full)
    said = ganvas("check", "pictures")
    assert said == (1, "", "error: There is too little memory; close other programs, or take smaller pictures.\n")
    with pytest.raises(OutOfMemory):
        main(["check", "pictures", "--debug"])


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError):
        main(["inspect", str(tmp_path / "none"), "--debug"])
    with pytest.raises(FileError):
        main(["--debug", "inspect", str(tmp_path / "none")])
    monkeypatch.setenv("GANVAS_DEBUG", "1")
    with pytest.raises(FileError):
        main(["inspect", str(tmp_path / "none")])


def test_debug_as_seen_from_outside(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ganvas", "inspect", str(tmp_path / "none")]
    done = subprocess.run([*command, "--debug"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.rstrip().endswith(f"FileError: There is no file '{tmp_path / 'none'}'.")


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-u", "-c", "from ganvas.cli.app import main; main(['presets', 'dcgan'])"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [["presets", "dcgan"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_said_in_a_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "ganvas", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: Cannot write the output (No space left on device); see where it goes.\n"


def test_other_errors_of_the_system_are_not_taken_for_it(ganvas: Ganvas, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **settings: object) -> None:
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr(module, "app", broken)
    with pytest.raises(PermissionError):
        main(["presets"])


@pytest.mark.parametrize("words", [(), ("A sentence of the command's.",)])
def test_ctrl_c_says_what_the_command_says_or_no_more_than_that(
    ganvas: Ganvas, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def pressed(*_: object, **settings: object) -> None:
        raise KeyboardInterrupt(*words)

    monkeypatch.setattr(module, "app", pressed)
    said = ganvas("sample", "x")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"error: {words[0] if words else 'Stopped.'}\n"
