import math

import pytest

from ganvas.training.aim import Aim
from ganvas.training.task import Stop


@pytest.mark.parametrize(
    ("text", "aim", "extreme"),
    [
        ("fid", Aim("fid"), "lowest"),
        ("fid:lower", Aim("fid"), "lowest"),
        ("psnr:higher", Aim("psnr", higher_is_better=True), "highest"),
        ("psnr:Y:higher", Aim("psnr:Y", higher_is_better=True), "highest"),
        ("psnr:Y", Aim("psnr:Y"), "lowest"),  # a name of somebody's own may hold a colon
        ("higher", Aim("higher"), "lowest"),
    ],
)
def test_a_name_may_say_its_direction(text: str, aim: Aim, extreme: str) -> None:
    assert Aim.parse(text) == aim
    assert aim.extreme == extreme


@pytest.mark.parametrize(
    ("higher", "value", "best", "better"),
    [
        (False, 1.0, None, True), (False, 1.0, 2.0, True), (False, 2.0, 2.0, False), (False, 3.0, 2.0, False),
        (True, 1.0, None, True), (True, 3.0, 2.0, True), (True, 2.0, 2.0, False), (True, 1.0, 2.0, False),
    ],
)  # fmt: skip
def test_better_is_strictly_in_its_direction(higher: bool, value: float, best: float | None, better: bool) -> None:
    assert Aim("x", higher).improves(value, best) is better


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("higher", [False, True])
@pytest.mark.parametrize("best", [None, 1.0])
def test_a_score_that_is_not_finite_is_never_better(value: float, higher: bool, best: float | None) -> None:
    assert not Aim("x", higher).improves(value, best)


def test_a_stop_rule_has_the_same_record() -> None:
    assert Stop("ssim", patience=3, higher_is_better=True).aim == Aim.parse("ssim:higher")
