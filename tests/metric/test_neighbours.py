from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metric import neighbours
from ganvas.metric.jackknife import groups_of
from ganvas.metric.neighbours import kept_for, nearest, pair_distances, tiles, without_groups


def features(count: int, seed: int, width: int = 24, offset: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator) * torch.linspace(1, 0.1, width) + offset


def by_hand(x: Tensor, y: Tensor, *, exclude_self: bool = False) -> Tensor:
    """All distances, by SciPy's differences in float64."""
    distances = cdist(x.double().numpy(), y.double().numpy())
    if exclude_self:
        np.fill_diagonal(distances, np.inf)
    return torch.from_numpy(distances)


@contextmanager
def matmul_precision(name: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("block", [5, 7, 60, 2048])
def test_neighbours_are_those_of_all_distances(block: int) -> None:
    x, y = features(61, 1), features(83, 2)
    for queries, points, alone in ((x, y, False), (y, y, True), (y, y, False)):
        distances, indices = nearest(queries, points, 5, exclude_self=alone, block=block)
        order = by_hand(queries, points, exclude_self=alone).sort(dim=1)
        torch.testing.assert_close(distances, order.values[:, :5], rtol=1e-12, atol=0)
        assert torch.equal(indices, order.indices[:, :5])
        assert distances.dtype == torch.float64


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(1, 3), st.integers(1, 40), st.integers(1, 50), st.integers(0, 99))
def test_ties_give_the_right_distances(count: int, width: int, k: int, block: int, seed: int) -> None:
    points = torch.randint(-2, 3, (count, width), generator=torch.Generator().manual_seed(seed)).float()
    k = min(k, count - 1)
    distances, indices = nearest(points, points, k, exclude_self=True, block=block)
    whole = by_hand(points, points, exclude_self=True)
    assert torch.equal(distances, whole.sort(dim=1).values[:, :k])
    assert torch.equal(whole.gather(1, indices), distances)
    assert all(len(set(row)) == k for row in indices.tolist())


def test_nearly_equal_features_far_from_zero_keep_all_digits() -> None:
    """As ``|x|^2 - 2 x.y + |y|^2`` in float32, distances of 0.01 near features of length 10,000 would be noise."""
    points = features(200, 3, width=100, offset=1000.0)
    points[50:100] = points[:50]
    points[100:150] = points[:50] + 0.01 * torch.randn(50, 100, generator=torch.Generator().manual_seed(1))
    queries = torch.cat([points[:50], points[:50] + 0.001])
    distances, indices = nearest(queries, points, 3)
    order = by_hand(queries, points).sort(dim=1, stable=True)
    torch.testing.assert_close(distances, order.values[:, :3], rtol=1e-12, atol=0)
    assert torch.equal(indices, order.indices[:, :3])
    assert (distances[:50, :2] == 0).all()
    assert torch.equal(indices[:50, 0], torch.arange(50))


def test_more_near_duplicates_than_candidates_are_ranked_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are within the rounding of float32, which alone would choose among them by chance."""
    generator = torch.Generator().manual_seed(0)
    far = features(40, 5, width=64) * 1000
    cluster = far[:1] + 1e-3 * torch.randn(300, 64, generator=generator) * torch.rand(300, 1, generator=generator)
    points = torch.cat([far, cluster])
    dtypes = []
    plain = neighbours.tiles

    def watched(*args: Tensor, half: bool, block: int, dtype: torch.dtype) -> Iterator[neighbours.Tile]:
        dtypes.append(dtype)
        return plain(*args, half=half, block=block, dtype=dtype)

    monkeypatch.setattr(neighbours, "tiles", watched)
    distances, indices = nearest(points, points, 4, exclude_self=True)
    order = by_hand(points, points, exclude_self=True).sort(dim=1, stable=True)
    torch.testing.assert_close(distances, order.values[:, :4], rtol=1e-10, atol=0)
    assert torch.equal(indices, order.indices[:, :4])
    assert dtypes == [torch.float32, torch.float64]


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_coarse_products_change_nothing(precision: str) -> None:
    x, y = features(150, 1), features(200, 2)
    expected = nearest(x, y, 4)
    with matmul_precision(precision):
        distances, indices = nearest(x, y, 4)
    assert torch.equal(distances, expected[0])
    assert torch.equal(indices, expected[1])


def test_bounds_grow_with_the_coarseness_of_products() -> None:
    slack = []
    for precision in ("highest", "high", "medium"):
        with matmul_precision(precision):
            (tile,) = tiles(features(9, 1), features(8, 2))
            slack.append(float(tile.row_slack.mean() + tile.column_slack.mean()))
    assert slack[1] / slack[0] == pytest.approx(2**13, rel=1e-3)
    assert slack[2] / slack[1] == pytest.approx(8, rel=1e-3)


@pytest.mark.parametrize("half", [True, False])
def test_tiles_bound_every_distance_once(half: bool) -> None:
    x = features(45, 1, offset=30.0)
    y = x if half else features(58, 2, offset=30.0)
    x[3], x[4] = y.mean(0), x.mean(0)  # whose own length leaves no room for the rounding of the others
    squares = by_hand(x, y).square()
    times = torch.zeros(squares.shape)
    for tile in tiles(x, y, half=half, block=16):
        true = squares[tile.rows, tile.columns]
        assert tile.least.shape == true.shape
        assert max(true.shape) <= 16
        assert (tile.least.double() <= true).all()
        assert (true <= (tile.least + tile.row_slack[:, None] + tile.column_slack).double() + 1e-9).all()
        assert ((true - tile.least) < 1e-3 * (1 + true)).all()
        times[tile.rows, tile.columns] += 1
    if half:
        times += times.T.clone() * (torch.arange(45)[:, None] // 16 != torch.arange(45) // 16)
    assert (times == 1).all()


def test_distances_of_pairs_have_the_same_bits_from_both_sides() -> None:
    x, y = features(40, 1, width=777), features(40, 2, width=777)
    rows, columns = torch.randint(40, (2, 500), generator=torch.Generator().manual_seed(0))
    found = pair_distances(x, rows, y, columns)
    torch.testing.assert_close(found, by_hand(x, y)[rows, columns], rtol=1e-13, atol=0)
    assert torch.equal(found, pair_distances(y, columns, x, rows))
    alone = [pair_distances(x, rows[i : i + 1], y, columns[i : i + 1]) for i in range(500)]
    assert torch.equal(found, torch.cat(alone))
    assert pair_distances(x, rows[:0], y, columns[:0]).shape == (0,)


@pytest.mark.parametrize("kept", [3, 5, 24])
@pytest.mark.parametrize("alone", [True, False])
def test_neighbours_without_a_group_are_those_of_the_others(kept: int, alone: bool) -> None:
    points = features(25, 4, width=3)
    queries = points if alone else features(11, 5, width=3)
    groups = [*groups_of(15, 3), torch.arange(15, 25)]  # the last takes more than a few neighbours at once
    found = nearest(queries, points, kept, exclude_self=alone)
    distances, indices = without_groups(found, queries, points, 3, groups, exclude_self=alone)
    whole = by_hand(queries, points, exclude_self=alone)
    for number, group in enumerate([torch.arange(0), *groups]):
        left = whole.clone()
        left[:, group] = torch.inf
        order = left.sort(dim=1)
        torch.testing.assert_close(distances[:, number], order.values[:, 2], rtol=1e-12, atol=0)
        assert torch.equal(indices[:, number], order.indices[:, 2])


def test_enough_neighbours_are_kept_for_groups_drawn_by_chance() -> None:
    assert kept_for(5, 20, 9999) < 20
    assert kept_for(5, 20, 12) == 12
    generator = torch.Generator().manual_seed(0)
    for k, groups in ((5, 20), (3, 2), (1, 2)):
        mine = torch.randint(groups, (20000, kept_for(k, groups, 9999)), generator=generator) == 0
        assert ((~mine).sum(1) < k).float().mean() < 1e-3


def test_impossible_requests_are_refused() -> None:
    x, y = features(5, 1), features(9, 2)
    with pytest.raises(UsageError, match=r"^10 nearest neighbours cannot be found among 9 points; ask for 1 to 9\.$"):
        nearest(x, y, 10)
    with pytest.raises(UsageError, match="5 nearest neighbours cannot be found among 4 points"):
        nearest(x, x, 5, exclude_self=True)
    with pytest.raises(UsageError, match="0 nearest neighbours"):
        nearest(x, y, 0)
    with pytest.raises(UsageError, match="5 queries are not the 9 points"):
        nearest(x, y, 2, exclude_self=True)
    with pytest.raises(UsageError, match="24 features and the other 3"):
        nearest(x, y[:, :3], 2)
