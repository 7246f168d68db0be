from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.errors import UnknownName, UsageError
from ganvas.training.aim import Aim
from ganvas.training.check import check_rows, check_scores, check_task
from ganvas.training.task import Networks, Painted, Players, Problem, Row, Stage, Stop, Term
from tests.training.toys import HalfFixed, Simple, Small, TwoWay, options


def nothing(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    return torch.zeros(())


class Normalised(HalfFixed):
    """A critic whose judgement of a picture depends on the others."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4)


def test_tasks_that_can_be_played_pass() -> None:
    check_task(TwoWay(), TwoWay().players(), options())
    check_task(Simple(), Simple().players(), options())
    check_task(Simple(), replace(Simple().players(), critics={"d": Normalised()}), options(penalty="clip"))


PLANTED: list[tuple[dict[str, Any], str]] = [
    ({"stages": (Stage("all", weights={"brihgtness": 2.0}),)}, "no term 'brihgtness' for the weights of stage 'all'"),
    ({"stages": (Stage("all", weights={"brihgtness": 2.0}),)}, "Did you mean 'brightness'"),
    ({"terms": (), "stages": (Stage("all", weights={"x": 2.0}),)}, "Stage 'all' weighs a term 'x', but .* no terms"),
    ({"terms": (Term("a", 1.0, nothing, interval=0),)}, "interval of the term 'a' is 0; make it 1 or more"),
    ({"terms": (Term("a", 1.0, nothing), Term("a", 2.0, nothing))}, "Two terms of the task are called 'a'"),
    ({"stages": (Stage("a", 0.0), Stage("b", 1.0))}, "The share of stage 'a' is 0; make it above 0"),
    ({"stages": (Stage("a", -0.5), Stage("b", 1.5))}, "The share of stage 'a' is -0.5"),
    ({"stages": tuple(Stage(name, 0.25) for name in "abcd")}, r"2 steps, but the task has 4 stages .* --kimg 0.032"),
]


@pytest.mark.parametrize(("changes", "words"), PLANTED)
def test_what_cannot_be_played_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    task = Simple(**changes)
    with pytest.raises(UsageError, match=words):
        check_task(task, task.players(), options(kimg=0.016))


@pytest.mark.parametrize("other", ["critics", "helpers", "frozen"])
def test_one_name_in_two_groups_is_refused(other: str) -> None:
    players = Simple().players()
    clash = replace(players, **{other: {**getattr(players, other), "g": HalfFixed()}})
    with pytest.raises(UsageError, match="Two networks of the task are called 'g'"):
        check_task(Simple(), clash, options())


@pytest.mark.parametrize("penalty", ["r1", "r1+r2", "wgan-gp"])
def test_batchnorm_and_a_penalty_by_sample_exclude_each_other(penalty: str) -> None:
    players = replace(Simple().players(), critics={"d": Normalised()})
    with pytest.raises(UsageError, match="'d' has BatchNorm"):
        check_task(Simple(), players, options(penalty=penalty))


def row(critic: str) -> Row:
    return Row(critic, torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4))


PLAYERS = Players({"g": Small()}, {"d": HalfFixed(), "e": HalfFixed()})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("d"), row("f")], "no critic 'f' for a row.*Choose from: d, e"),
        ([row("g")], "no critic 'g' for a row"),  # a generator judges nothing
        ([row("d"), row("e"), row("d")], "Two rows are judged by the critic 'd'"),
    ],
)
def test_rows_that_nobody_can_judge_are_refused(rows: Sequence[Row], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_rows(rows, PLAYERS)


def test_rows_of_some_critics_or_none_pass() -> None:
    for rows in ([], [row("e")], [row("e"), row("d")]):
        check_rows(rows, PLAYERS)


def test_scores_that_nobody_gives_are_refused() -> None:
    stages = (Stage("a", 0.5), Stage("b", 0.5, stop=Stop("ssim", patience=1)))
    check_scores({"fd": 1.0, "ssim": 0.5}, Aim("fd"), stages)
    with pytest.raises(UnknownName, match=r"score 'fdd' to choose the best by.*ssim"):
        check_scores({"fd": 1.0, "ssim": 0.5}, Aim("fdd"), stages)
    with pytest.raises(UnknownName, match=r"score 'ssim' to stop stage 'b' by.*psnr"):
        check_scores({"fd": 1.0, "psnr": 0.5}, Aim("fd"), stages)
