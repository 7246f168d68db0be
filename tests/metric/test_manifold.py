from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric import manifold, neighbours
from ganvas.metric.jackknife import Deleted, groups_of, jackknife
from ganvas.metric.manifold import density_coverage, manifold_scores, precision_recall
from ganvas.metric.score import Score
from ganvas.network.features.random import random_features
from tests.training.conftest import Clothes

NAMES = ("precision", "recall", "density", "coverage")


class Plain(NamedTuple):
    precision: float
    recall: float
    density: float
    coverage: float


def features(count: int, seed: int, width: int = 8, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(count, width, generator=generator) * torch.linspace(1, 0.2, width)


def lattice(count: int, seed: int, width: int = 2, side: int = 5) -> Tensor:
    """Points of a small lattice: many equal ones, and many at equal distances."""
    return torch.randint(side, (count, width), generator=torch.Generator().manual_seed(seed)).float()


def by_hand(fakes: Tensor, reals: Tensor, k_closed: int = 3, k_open: int = 5) -> Plain:
    """The definitions, with whole matrices of distances."""

    def radii(rows: Tensor, k: int) -> NDArray[np.float64]:
        distances = cdist(rows.double(), rows.double())
        np.fill_diagonal(distances, np.inf)
        ranked: NDArray[np.float64] = np.sort(distances, axis=1)[:, min(k, len(rows) - 1) - 1]
        return ranked

    across = cdist(fakes.double(), reals.double())
    near = across < radii(reals, k_open)
    return Plain(
        float((radii(reals, k_closed) >= across).any(1).mean()),
        float((radii(fakes, k_closed) >= across.T).any(1).mean()),
        float(near.sum() / (k_open * len(fakes))),
        float(near.any(0).mean()),
    )


def deleted(fakes: Tensor, reals: Tensor, groups: int, seed: int) -> list[tuple[Deleted, Deleted]]:
    """Each score without each group of fakes and of reals, everything taken anew."""
    sides: list[tuple[list[Plain], Tensor]] = []
    for side, rows in enumerate((fakes, reals)):
        values, parts = [], groups_of(len(rows), groups, seed)
        for part in parts:
            kept = torch.ones(len(rows), dtype=torch.bool)
            kept[part] = False
            values.append(by_hand(fakes, reals[kept]) if side else by_hand(fakes[kept], reals))
        sides.append((values, torch.tensor([len(part) for part in parts])))

    def of(score: int, side: int) -> Deleted:
        return Deleted(torch.tensor([value[score] for value in sides[side][0]], dtype=torch.float64), sides[side][1])

    return [(of(score, 0), of(score, 1)) for score in range(4)]


def check(fakes: Tensor, reals: Tensor, groups: int, seed: int = 0) -> None:
    """Values and errors against the definitions."""
    scores, plain = manifold_scores(fakes, reals, groups=groups, seed=seed), by_hand(fakes, reals)
    assert [score.name for score in scores] == list(NAMES)
    for score, value, sides in zip(scores, plain, deleted(fakes, reals, groups, seed), strict=True):
        assert score.value == pytest.approx(value, rel=1e-12, abs=0), score.name
        assert score.error == pytest.approx(jackknife(value, *sides)[0], rel=1e-9, abs=1e-12), score.name


@pytest.mark.parametrize("groups", [2, 3, 20])
@pytest.mark.parametrize("scale", [0.6, 1.0, 1.5])
def test_values_and_errors_equal_brute_force(groups: int, scale: float) -> None:
    check(features(61, 1, scale=scale), features(47, 2), groups)


@settings(deadline=None, max_examples=30)
@given(st.integers(14, 40), st.integers(14, 40), st.integers(2, 20), st.integers(2, 6), st.integers(0, 99))
def test_ties_and_equal_points_fall_as_defined(count: int, other: int, groups: int, side: int, seed: int) -> None:
    check(lattice(count, seed, side=side), lattice(other, seed + 100, side=side), groups, seed)


def test_copies_of_reals_and_offsets_beyond_float32() -> None:
    """Distances within and between sets are equal to the bit, or differ where products in float32 see nothing."""
    reals = features(60, 1, width=50) + 500
    fakes = torch.cat([reals[:20], reals[20:40] + 0.01 * features(20, 3, width=50), features(25, 4, width=50) + 500])
    reals = torch.cat([reals, reals[:15]])
    check(fakes, reals, 20)


def test_groups_that_hold_most_neighbours_of_a_sample_are_deleted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters that are groups: no neighbour that was kept survives the deletion."""
    centres = 10 * features(4, 9)
    parts = [torch.arange(start, 40, 4) for start in range(4)]
    fakes, reals = (centres.repeat(10, 1) + features(40, seed) for seed in (1, 2))
    monkeypatch.setattr(manifold, "groups_of", lambda count, groups, seed: parts)
    monkeypatch.setattr("tests.metric.test_manifold.groups_of", lambda count, groups, seed: parts)
    monkeypatch.setattr(manifold, "kept_for", lambda k, groups, most: k)
    check(fakes, reals, 4)


@pytest.mark.parametrize("pairs", [1, 7, 100])
def test_parts_of_the_counting_make_no_difference(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    fakes, reals = features(40, 1), features(30, 2)
    expected = manifold_scores(fakes, reals)
    monkeypatch.setattr(manifold, "PAIRS", pairs)
    assert manifold_scores(fakes, reals) == expected


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes, reals = features(70, 1), features(90, 2)
    expected = manifold_scores(fakes, reals)
    plain = neighbours.nearest
    monkeypatch.setattr(manifold, "nearest", lambda x, y, k, exclude_self: plain(x, y, k, exclude_self=True, block=16))
    monkeypatch.setattr(manifold, "tiles", lambda x, y, of=neighbours.tiles: of(x, y, block=13))
    assert manifold_scores(fakes, reals) == expected


def test_prdc_agrees() -> None:
    theirs = pytest.importorskip("prdc")
    fakes, reals = features(300, 1, width=32, scale=0.9), features(260, 2, width=32)
    ours = [*precision_recall(fakes, reals, k=5), *density_coverage(fakes, reals, k=5)]
    expected = theirs.compute_prdc(reals.double().numpy(), fakes.double().numpy(), 5)
    for score in ours:  # theirs leaves the edge out everywhere; without ties that is no difference
        assert score.value == pytest.approx(expected[score.name], rel=1e-12)


def test_the_edge_belongs_to_the_first_two_only() -> None:
    reals = torch.tensor([[0.0], [1.0], [2.0], [4.0]])
    fakes = torch.tensor([[-1.0], [7.0], [50.0], [60.0]])
    precision, recall = precision_recall(fakes, reals, k=1)
    assert precision.value == 0.25  # -1 is on the edge of the ball of 0
    assert recall.value == 1.0  # all are 8 or nearer to -1
    density, _ = density_coverage(fakes, reals, k=1)
    assert density.value == 0.0
    assert density_coverage(fakes + 0.01, reals, k=1)[0].value == 0.25


def test_lost_modes_lower_recall_and_coverage_only(clothes: Clothes) -> None:
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(clothes.images), generator=generator)
    reals, rest = order[:600], order[600:]
    few = rest[clothes.labels[rest] < 5][:600]
    some = {name: random_features(clothes.images[rows]) for name, rows in (("reals", reals), ("all", rest[:600]))}
    some["few"] = random_features(clothes.images[few])
    noise = 0.8 * torch.randn(600, 1, 28, 28, generator=generator)
    some["noisy"] = random_features((clothes.images[rest[:600]] + noise).clamp(-1, 1))
    found = {
        name: {score.name: score for score in manifold_scores(some[name], some["reals"])}
        for name in ("all", "few", "noisy")
    }
    honest, dropped, noisy = found["all"], found["few"], found["noisy"]
    for name in NAMES:
        assert (honest[name].error or 0) > 0
    assert abs(honest["density"].value - 1) < 0.1
    assert abs(dropped["precision"].value - honest["precision"].value) < 0.1
    assert dropped["recall"].value < 0.8 * honest["recall"].value
    assert dropped["coverage"].value < 0.7 * honest["coverage"].value
    assert noisy["precision"].value < 0.5 * honest["precision"].value
    assert noisy["density"].value < 0.5 * honest["density"].value


def test_one_far_real_moves_precision_and_hardly_density() -> None:
    reals, noise = features(200, 1), features(200, 2) + 6
    far = torch.cat([reals, torch.full((1, 8), 12.0)])
    assert precision_recall(noise, reals)[0].value < 0.05
    assert precision_recall(noise, far)[0].value > 0.9
    assert density_coverage(noise, far)[0].value < 0.25


def test_errors_are_no_less_than_the_spread_over_samples() -> None:
    """On average a jackknife never finds too little (Efron and Stein 1981); here it finds up to twice too much."""
    scores = [
        manifold_scores(features(150, 2 * seed, scale=0.9), features(150, 2 * seed + 1), groups=10)
        for seed in range(60)
    ]
    for number, name in enumerate(NAMES):
        spread = np.std([found[number].value for found in scores], ddof=1)
        assert 0.9 < np.mean([found[number].error for found in scores]) / spread < 2.3, name
    assert {score.corrected for found in scores for score in found} == {None}


def values(scores: Sequence[Score]) -> list[tuple[float, float | None]]:
    return [(score.value, score.error) for score in scores]


def test_one_pass_gives_what_two_give() -> None:
    fakes, reals = features(50, 1), features(70, 2)
    both = [*precision_recall(fakes, reals, seed=3, prefix="some-"), *density_coverage(fakes, reals, seed=3)]
    found = manifold_scores(fakes, reals, seed=3)
    assert values(found) == values(both)
    assert [score.name for score in both] == ["some-precision", "some-recall", "density", "coverage"]
    assert {score.better for score in both} == {"higher"}
    assert values(manifold_scores(fakes, reals, seed=4)) != values(found)


def test_as_few_samples_as_balls_need() -> None:
    fakes, reals = features(4, 1), features(6, 2)
    scores = manifold_scores(fakes, reals)
    assert [score.value for score in scores] == pytest.approx(list(by_hand(fakes, reals)), rel=1e-12)
    assert [score.error is None for score in scores] == [False, True, True, True]
    assert "Too few" in scores[1].note
    with pytest.raises(DataError, match=r"^5 reals are too few .* number 5; give 6 or more\.$"):
        manifold_scores(fakes, reals[:5])
    with pytest.raises(DataError, match=r"^3 fakes are too few .* number 3; give 4 or more\.$"):
        precision_recall(fakes[:3], reals)
    density_coverage(fakes[:3], reals)


def test_unusable_input_is_refused() -> None:
    good = features(20, 1)
    broken = torch.cat([good, torch.full((1, 8), torch.nan)])
    for measure in (manifold_scores, precision_recall, density_coverage):
        with pytest.raises(DataError, match="1 of 21 reals have features that are not finite"):
            measure(good, broken)
        with pytest.raises(DataError, match="one picture were repeated"):
            measure(good[:1].expand(9, 8), good)
        with pytest.raises(UsageError, match="8 features and the other 3"):
            measure(good, good[:, :3])
        with pytest.raises(UsageError, match="1 group"):
            measure(good, good, groups=1)
    with pytest.raises(UsageError, match="neighbour number 0; give k from 1 on"):
        precision_recall(good, good, k=0)
