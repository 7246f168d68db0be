import inspect
from dataclasses import fields
from importlib import import_module

import pytest

import ganvas
from ganvas import api
from ganvas.api_photos import PhotoKeywords
from ganvas.job.evaluate import EvaluateRequest
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.prepare import Request

NAMES = [
    "GanvasError", "Judgement", "Model", "Task", "check", "evaluate", "load", "plan", "repair", "restore", "revive",
    "train", "upscale",
]  # fmt: skip


def test_the_public_names() -> None:
    assert sorted(ganvas.__all__) == NAMES
    assert dir(ganvas) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_the_one_of_its_room(name: str) -> None:
    assert getattr(ganvas, name) is getattr(import_module(ganvas._HOME[name]), name)
    assert getattr(ganvas, name).__doc__


def test_no_other_name() -> None:
    with pytest.raises(AttributeError, match="module 'ganvas' has no attribute 'trian'"):
        _ = ganvas.trian


def test_python_takes_what_the_command_line_takes() -> None:
    from ganvas.cli.train import train

    request = set(inspect.signature(Request).parameters)
    python = set(inspect.signature(api.train).parameters)
    words = set(inspect.signature(train).parameters)
    assert python - request == {"generator", "discriminator", "task", "report", "options"}
    assert words - request == {"json", "flags", "dry_run"}
    assert request <= python & words


def test_an_evaluation_takes_what_the_command_line_takes() -> None:
    from ganvas.cli.evaluate import evaluate

    request = set(inspect.signature(EvaluateRequest).parameters)
    assert set(inspect.signature(api.evaluate).parameters) - request == {"report"}
    assert set(inspect.signature(evaluate).parameters) - request == {"json", "modes", "pairs", "border"}
    assert request <= set(inspect.signature(api.evaluate).parameters) & set(inspect.signature(evaluate).parameters)


@pytest.mark.parametrize("verb", ["repair", "restore", "upscale", "revive"])
def test_a_verb_on_photographs_takes_what_the_command_line_takes(verb: str) -> None:
    request = inspect.signature(getattr(import_module(f"ganvas.job.{verb}"), f"{verb.title()}Request")).parameters
    words = inspect.signature(getattr(import_module(f"ganvas.cli.{verb}"), verb)).parameters
    python = inspect.signature(getattr(ganvas, verb)).parameters
    assert set(words) - set(request) == {"json"}
    assert set(python) - set(request) == {"report"}
    assert set(request) <= set(words) & set(python)
    assert set(PhotoKeywords.__annotations__) == {field.name for field in fields(PhotoOptions)}
    for function in (words, python):
        for name in set(request) - {"photos", "out", "options"}:
            assert function[name].default == request[name].default, name


def test_a_plan_takes_what_decides_over_a_new_run() -> None:
    training, planning = inspect.signature(api.train).parameters, inspect.signature(api.plan).parameters
    assert set(training) - set(planning) == {"runs", "name", "resume"}
    same = {name: (str(parameter.default), parameter.annotation) for name, parameter in planning.items()}
    del same["report"]  # each has a function of its own that does nothing
    assert same == {name: (str(training[name].default), training[name].annotation) for name in same}


def test_defaults_agree() -> None:
    from ganvas.cli.train import train

    wanted = {name: parameter.default for name, parameter in inspect.signature(Request).parameters.items()}
    for function in (api.train, train):
        for name, parameter in inspect.signature(function).parameters.items():
            if name in wanted:
                assert str(parameter.default) == str(wanted[name]), name
