import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric import moments
from ganvas.metric.moments import Moments, covariance_factor


def features(count: int, width: int = 7, seed: int = 0, offset: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator)
    return torch.randn(count, width, generator=generator) @ mixing + offset


def assert_same(found: Moments, rows: Tensor, tolerance: float = 1e-12) -> None:
    array = rows.double().numpy()
    assert found.count == len(array)
    scale = np.abs(np.cov(array.T)).max()
    np.testing.assert_allclose(found.mean.numpy(), array.mean(0), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.covariance().numpy(), np.cov(array.T), rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("offset", [0.0, 5.0, 1000.0])
def test_moments_of_chunks_are_those_of_numpy(monkeypatch: pytest.MonkeyPatch, offset: float) -> None:
    monkeypatch.setattr(moments, "CHUNK_ROWS", 64)
    rows = features(1000, offset=offset)
    assert_same(Moments.of(rows), rows)
    biased = Moments.of(rows).covariance(unbiased=False).numpy()
    np.testing.assert_allclose(biased, np.cov(rows.double().numpy().T, ddof=0), rtol=1e-9)


def test_many_chunks_as_they_come() -> None:
    rows = features(20_000, 3)
    assert_same(Moments.of(rows), rows)
    assert Moments.of(rows).scatter.dtype == torch.float64


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_parts_add_up_in_any_grouping(sizes: list[int]) -> None:
    rows = features(sum(sizes) + 2)
    parts = [Moments.of(part) for part in rows.split([*sizes, 2])]
    assert_same(sum(parts[1:], start=parts[0]), rows)
    total = parts[-1]
    for part in reversed(parts[:-1]):
        total = part + total
    assert_same(total, rows)


@settings(deadline=None)
@given(st.integers(0, 38), st.integers(0, 5))
def test_what_is_left_without_a_part(size: int, seed: int) -> None:
    rows = features(40, seed=seed)
    assert_same(Moments.of(rows) - Moments.of(rows[:size]), rows[size:], 1e-11)


def test_nothing_is_left_without_the_whole() -> None:
    whole = Moments.of(features(5))
    left = whole - whole
    assert left.count == 0
    assert not left.mean.any()
    assert_same(left + Moments.of(features(5)), features(5))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match=r"^A covariance needs at least two pictures, not 1; give more.$"):
        Moments.of(features(1)).covariance()
    assert not Moments.of(features(1)).covariance(unbiased=False).any()
    with pytest.raises(DataError, match=r"at least one picture, not 0"):
        Moments.of(features(0)).covariance(unbiased=False)
    with pytest.raises(UsageError, match=r"7 features and the other 6"):
        Moments.of(features(3)) + Moments.of(features(3, 6))
    with pytest.raises(UsageError, match=r"7 features and the other 6"):
        Moments.of(features(3)) - Moments.of(features(3, 6))
    with pytest.raises(UsageError, match=r"4 samples cannot be taken from 3"):
        Moments.of(features(3)) - Moments.of(features(4))


@pytest.mark.parametrize("count", [4, 7, 8, 100])
@pytest.mark.parametrize("unbiased", [True, False])
def test_factor_is_one_of_the_covariance(monkeypatch: pytest.MonkeyPatch, count: int, unbiased: bool) -> None:
    monkeypatch.setattr(moments, "CHUNK_ROWS", 16)
    rows = features(count)
    factor = covariance_factor(rows, unbiased)
    assert factor.shape == (min(count, 7), 7)
    expected = np.cov(rows.double().numpy().T, ddof=int(unbiased))
    np.testing.assert_allclose((factor.T @ factor).numpy(), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
