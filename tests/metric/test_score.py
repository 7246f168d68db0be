import pytest
import scipy.stats
import torch

from ganvas.errors import DataError, UsageError
from ganvas.metric.score import Score, check_features


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_interval_is_that_of_a_normal_distribution(level: float) -> None:
    score = Score("frechet_distance", 12.3, 0.4, 9.8, "lower")
    assert score.interval(level) == pytest.approx(scipy.stats.norm.interval(level, 9.8, 0.4))
    assert Score("kid", 12.3, 0.4, None, "lower").interval(level) == pytest.approx(
        scipy.stats.norm.interval(level, 12.3, 0.4)
    )


def test_no_error_no_interval() -> None:
    assert Score("kid", 1.0, None, None, "lower").interval() is None


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_impossible_level_is_refused(level: float) -> None:
    with pytest.raises(UsageError, match=r"such as 0.95"):
        Score("kid", 1.0, 0.1, None, "lower").interval(level)


def test_fields_by_name() -> None:
    score = Score("kid", 1.0, 0.1, None, "lower", "A note.")
    assert Score(**score.to_dict()) == score  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fakes", "message"),
    [
        (torch.zeros(0, 3), "^A score needs at least two fakes, not 0; give more.$"),
        (torch.zeros(1, 3), "^A score needs at least two fakes, not 1; give more.$"),
        (torch.ones(4, 3), "^All 4 fakes have the same features, as if one picture were repeated"),
        (torch.tensor([[1.0, 2, 3], [1, torch.inf, 3], [torch.nan, 2, 3]]), r"^2 of 3 fakes .*first is number 1\)"),
    ],
)
def test_unusable_features_are_refused(fakes: torch.Tensor, message: str) -> None:
    reals = torch.arange(12.0).view(4, 3)
    with pytest.raises(DataError, match=message):
        check_features(fakes, reals)
    with pytest.raises(DataError, match=message.replace("fakes", "reals")):
        check_features(reals, fakes)
    check_features(reals, reals)
