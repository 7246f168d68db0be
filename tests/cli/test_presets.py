import tomllib

import pytest
from cyclopts import App

from ganvas.cli.app import app
from ganvas.job.recipe import gather, preset_texts
from tests.cli.conftest import Ganvas

every_preset = pytest.mark.parametrize("name", preset_texts())


def test_all_of_them_in_a_line_each(ganvas: Ganvas) -> None:
    said = ganvas("presets")
    lines = said.out.splitlines()
    assert (said.code, said.err) == (0, "")
    assert [line.split()[0] for line in lines] == list(preset_texts())
    assert all(line.endswith(".") for line in lines)


@every_preset
def test_one_of_them_is_printed_to_be_saved_and_changed(ganvas: Ganvas, name: str) -> None:
    said = ganvas("presets", name)
    assert (said.code, said.err) == (0, "")
    assert tomllib.loads(said.out) == tomllib.loads(preset_texts()[name])


@every_preset
def test_the_first_line_is_the_command_that_runs_it(name: str) -> None:
    hash_, program, *words = preset_texts()[name].splitlines()[0].split()
    assert (hash_, program, words[0]) == ("#", "ganvas", "train")
    command, bound, _ = app.parse_args(words, print_error=False, exit_on_error=False)
    assert command.__name__ == "train"
    assert bound.kwargs["preset"] == name
    flags = bound.kwargs.get("flags")
    given = {key: value for key, value in vars(flags).items() if value is not None} if flags else {}
    gather(given, name)


def test_a_first_line_with_a_wrong_option_would_be_found() -> None:
    assert isinstance(app, App)
    with pytest.raises(Exception, match="sise"):
        app.parse_args(["train", "x", "--sise", "3"], print_error=False, exit_on_error=False)
