from collections.abc import Callable
from math import isfinite, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metric.diversity import diversity_score
from ganvas.metric.frechet import frechet_score
from ganvas.metric.inception_score import is_score
from ganvas.metric.jackknife import TOO_FEW, Deleted, can_delete, groups_of, jackknife, mean_without
from ganvas.metric.kernel import kid_score
from ganvas.metric.memorised import authenticity
from ganvas.metric.score import Score


def without(statistic: Callable[[Tensor], Tensor], rows: Tensor, parts: list[Tensor]) -> Deleted:
    values = []
    for part in parts:
        kept = torch.ones(len(rows), dtype=torch.bool)
        kept[part] = False
        values.append(statistic(rows[kept]))
    return Deleted.of(torch.stack(values), parts)


def sample(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).exp()


def test_error_of_a_mean_is_the_textbook_one() -> None:
    rows = sample(37)
    error, corrected = jackknife(float(rows.mean()), without(torch.mean, rows, groups_of(37, 100)))
    assert error == pytest.approx(float(rows.std()) / sqrt(37), rel=1e-12)
    assert corrected == pytest.approx(float(rows.mean()), rel=1e-12)


def test_bias_of_the_biased_variance_is_found_whole() -> None:
    rows = sample(25)

    def biased(some: Tensor) -> Tensor:
        return some.var(correction=0)

    _, corrected = jackknife(float(biased(rows)), without(biased, rows, groups_of(25, 25)))
    assert corrected == pytest.approx(float(rows.var()), rel=1e-12)


def test_sides_add_up() -> None:
    x, y = sample(30, 1), 3 * sample(50, 2)
    sides = (without(torch.mean, x, groups_of(30, 30)), without(torch.mean, y, groups_of(50, 50)))
    deleted = (Deleted(sides[0].values - y.mean(), sides[0].sizes), Deleted(x.mean() - sides[1].values, sides[1].sizes))
    error, _ = jackknife(float(x.mean() - y.mean()), *deleted)
    assert error == pytest.approx(sqrt(float(x.var()) / 30 + float(y.var()) / 50), rel=1e-12)


@settings(deadline=None)
@given(st.integers(2, 12), st.integers(1, 9), st.integers(0, 99))
def test_groups_of_equal_size_follow_the_textbook(groups: int, size: int, seed: int) -> None:
    rows = sample(groups * size + groups, seed)
    side = without(torch.median, rows, groups_of(len(rows), groups, seed))
    value, deleted = float(rows.median()), side.values.numpy()
    error, corrected = jackknife(value, side)
    assert error == pytest.approx(sqrt((groups - 1) / groups * np.square(deleted - deleted.mean()).sum()), abs=1e-12)
    assert corrected == pytest.approx(value - (groups - 1) * (deleted.mean() - value), abs=1e-12)


def test_unequal_groups_keep_a_linear_statistic_and_its_error() -> None:
    rows = sample(103)
    errors = []
    for seed in range(200):
        parts = groups_of(103, 20, seed)
        error, corrected = jackknife(float(rows.mean()), without(torch.mean, rows, parts))
        assert corrected == pytest.approx(float(rows.mean()), rel=1e-12)
        errors.append(error**2)
    assert sqrt(np.mean(errors)) == pytest.approx(float(rows.std()) / sqrt(103), rel=0.05)


def test_very_unequal_groups_still_find_the_error() -> None:
    rows = sample(400)
    parts = list(torch.randperm(400, generator=torch.Generator().manual_seed(0)).split([10, 30] * 10))
    error, _ = jackknife(float(rows.mean()), without(torch.mean, rows, parts))
    assert error == pytest.approx(float(rows.std()) / 20, rel=0.35)


@settings(deadline=None)
@given(st.integers(2, 90), st.integers(2, 30), st.integers(0, 5))
def test_groups_hold_every_row_once(count: int, groups: int, seed: int) -> None:
    parts = groups_of(count, groups, seed)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(count))
    assert len(parts) == min(count, groups)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert all(torch.equal(a, b) for a, b in zip(parts, groups_of(count, groups, seed), strict=True))


def test_groups_are_drawn_by_the_seed() -> None:
    assert not torch.equal(groups_of(100, 5, 0)[0], groups_of(100, 5, 1)[0])
    with pytest.raises(UsageError, match=r"^A jackknife cannot work with 1 group; give 2 or more.$"):
        groups_of(10, 1)


@pytest.mark.parametrize("score", [frechet_score, kid_score, diversity_score, authenticity])
@pytest.mark.parametrize(("fakes", "reals", "groups"), [(3, 50, 2), (50, 3, 2), (2, 50, 20), (50, 2, 20)])
def test_where_a_deletion_leaves_too_few_no_error_is_told(
    score: Callable[..., Score], fakes: int, reals: int, groups: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    found = score(*(torch.randn(count, 4, generator=generator) for count in (fakes, reals)), groups=groups)
    assert isfinite(found.value)
    assert (found.error, found.corrected, found.note) == (None, None, TOO_FEW)


def test_reals_that_are_one_picture_but_for_one_give_no_error_of_diversity() -> None:
    reals = torch.zeros(50, 4)
    reals[7] = 1
    assert diversity_score(torch.randn(50, 4), reals, groups=50).error is None


def test_an_inception_score_needs_two_of_a_split_that_are_left() -> None:
    logits = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    assert is_score(logits[:20], splits=10, groups=2).error is None
    assert is_score(logits, splits=10, groups=2).error is not None


def test_means_without_groups_are_means_of_the_others() -> None:
    values, groups = torch.arange(6.0).double(), [torch.tensor([0, 5]), torch.tensor([1, 2, 3]), torch.tensor([4])]
    assert mean_without(values, groups).tolist() == [2.5, 3.0, 2.2]
    assert [can_delete(groups, left) for left in (3, 4)] == [True, False]
