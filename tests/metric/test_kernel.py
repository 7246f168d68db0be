from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric import kernel
from ganvas.metric.jackknife import groups_of
from ganvas.metric.kernel import kernel_sums, kid, kid_score, kid_subsets


def features(count: int, seed: int, width: int = 12, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator) * torch.linspace(0.5, 2, width) + shift


def by_hand(x: Tensor, y: Tensor) -> float:
    """The U-statistic from whole kernel matrices (Gretton et al. 2012, equation 3)."""
    left, right = x.double().numpy(), y.double().numpy()
    n, m, width = len(left), len(right), left.shape[1]
    among, others, across = (
        (a @ b.T / width + 1) ** 3 for a, b in ((left, left), (right, right), (left, right))
    )  # fmt: skip
    mine = (among.sum() - np.trace(among)) / (n * (n - 1))
    theirs = (others.sum() - np.trace(others)) / (m * (m - 1))
    return float(mine + theirs - 2 * across.mean())


@pytest.mark.parametrize("block", [1, 7, 40, 1024])
def test_distance_equals_that_of_whole_matrices(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(kernel, "BLOCK", block)
    x, y = features(40, 1), features(53, 2, shift=0.1)
    assert kid(x, y) == pytest.approx(by_hand(x, y), rel=1e-10)
    assert kid_score(x, y).value == pytest.approx(by_hand(x, y), rel=1e-10)


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 99))
def test_distance_of_any_sizes(count: int, other: int, seed: int) -> None:
    x, y = features(count, seed), features(other, seed + 100)
    assert kid(x, y) == pytest.approx(by_hand(x, y), rel=1e-9, abs=1e-11)
    assert kid(y, x) == pytest.approx(kid(x, y), rel=1e-9, abs=1e-11)


def test_expectation_in_closed_form() -> None:
    """With unit normals in one dimension, shifted by s: E k(x, y) = 1 + 3 E xy + 3 E (xy)^2 + E (xy)^3."""
    generator = torch.Generator().manual_seed(0)
    shift = 0.5

    def moments(s: float) -> tuple[float, float, float]:
        return s, 1 + s**2, 3 * s + s**3

    def mean(s: float, t: float) -> float:
        return 1 + sum(c * a * b for c, a, b in zip((3, 3, 1), moments(s), moments(t), strict=True))

    truth = mean(0, 0) + mean(shift, shift) - 2 * mean(0, shift)
    found = [
        kid(torch.randn(50, 1, generator=generator), torch.randn(50, 1, generator=generator) + shift)
        for _ in range(300)
    ]
    assert abs(np.mean(found) - truth) < 4 * np.std(found) / sqrt(300)
    alike = [kid(*torch.randn(2, 20, 1, generator=generator)) for _ in range(50)]
    assert min(alike) < 0 < max(alike)


def test_subsets_are_means_over_draws() -> None:
    x, y = features(70, 1), features(45, 2, shift=0.2)
    mean, spread = kid_subsets(x, y, subsets=9, subset_size=30, seed=4)
    generator = torch.Generator().manual_seed(4)
    values = []
    for _ in range(9):
        left = torch.randperm(70, generator=generator)[:30]
        right = torch.randperm(45, generator=generator)[:30]
        values.append(by_hand(x[left], y[right]))
    assert mean == pytest.approx(np.mean(values), rel=1e-10)
    assert spread == pytest.approx(np.std(values), rel=1e-8)
    assert kid_subsets(x, y, subsets=9, subset_size=30, seed=5)[0] != mean


def test_small_sets_are_their_own_subset() -> None:
    x, y = features(31, 1), features(31, 2)
    mean, spread = kid_subsets(x, y, subsets=3)
    assert mean == pytest.approx(by_hand(x, y), rel=1e-10)
    assert spread < 1e-12


def test_deleting_a_group_equals_taking_the_distance_anew() -> None:
    x, y = features(23, 1), features(31, 2, shift=0.3)
    parts = groups_of(23, 5), groups_of(31, 4)
    sums = kernel_sums([x[part] for part in parts[0]], [y[part] for part in parts[1]])
    for rows, own, deleted in zip((x, y), parts, sums.deleted(), strict=True):
        for part, value in zip(own, deleted.values.tolist(), strict=True):
            kept = torch.tensor([row not in part for row in range(len(rows))])
            pair = (x[kept], y) if rows is x else (x, y[kept])
            assert value == pytest.approx(by_hand(*pair), rel=1e-10)
        assert deleted.sizes.tolist() == [len(part) for part in own]


def test_error_is_the_spread_over_samples() -> None:
    scores = [kid_score(features(60, 2 * seed), features(50, 2 * seed + 1, shift=0.2), groups=10) for seed in range(80)]
    spread = np.std([s.value for s in scores], ddof=1)
    assert np.mean([s.error for s in scores]) == pytest.approx(spread, rel=0.25)
    assert {s.corrected for s in scores} == {None}


def test_shifted_features_are_further() -> None:
    x = features(200, 1)
    near, far = (kid_score(x, features(200, 2, shift=shift)) for shift in (0.0, 0.5))
    assert near.error is not None
    assert far.error is not None
    assert abs(near.value) < 3 * near.error
    assert far.value > 5 * far.error


def test_two_pictures_have_a_distance_and_no_error() -> None:
    score = kid_score(features(2, 1), features(40, 2))
    assert score.value == pytest.approx(by_hand(features(2, 1), features(40, 2)))
    assert score.error is None
    assert "Too few pictures" in score.note
    assert kid_score(features(3, 1), features(40, 2)).error is not None


def test_unusable_input_is_refused() -> None:
    good = features(20, 1)
    broken = torch.cat([good, torch.full((1, 12), torch.inf)])
    for measure in (kid, kid_subsets, kid_score):
        with pytest.raises(DataError, match="1 of 21 fakes have features that are not finite"):
            measure(broken, good)
        with pytest.raises(DataError, match="one picture were repeated"):
            measure(good, good[:1].expand(5, 12))
        with pytest.raises(DataError, match="at least two reals, not 1"):
            measure(good, good[:1])
        with pytest.raises(UsageError, match="12 features and the other 3"):
            measure(good, good[:, :3])
    with pytest.raises(UsageError, match="0 subsets of 1000"):
        kid_subsets(good, good, subsets=0)
    with pytest.raises(UsageError, match="9 subsets of 1 give"):
        kid_subsets(good, good, subsets=9, subset_size=1)


def test_torchmetrics_agrees() -> None:
    theirs = pytest.importorskip("torchmetrics.image.kid")
    x, y = features(200, 1), features(200, 2, shift=0.1)
    assert kid(x, y) == pytest.approx(float(theirs.poly_mmd(x.double(), y.double())), rel=1e-10)
