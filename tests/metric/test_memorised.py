import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.jackknife import Deleted, groups_of, jackknife
from ganvas.metric.manifold import manifold_scores
from ganvas.metric.memorised import DEEPEST, authenticity, find_near_reals, most_suspicious


def features(count: int, seed: int, width: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator) * torch.linspace(1, 0.2, width)


def authentic_by_hand(fakes: Tensor, reals: Tensor) -> float:
    across, among = cdist(fakes.double(), reals.double()), cdist(reals.double(), reals.double())
    np.fill_diagonal(among, np.inf)
    return float(100 * (across.min(1) > among.min(1)[across.argmin(1)]).mean())


def without(fakes: Tensor, reals: Tensor, groups: int, of_reals: bool) -> Deleted:
    rows = reals if of_reals else fakes
    values, parts = [], groups_of(len(rows), groups, 0)
    for part in parts:
        kept = torch.ones(len(rows), dtype=torch.bool)
        kept[part] = False
        values.append(authentic_by_hand(*((fakes, reals[kept]) if of_reals else (fakes[kept], reals))))
    return Deleted(torch.tensor(values, dtype=torch.float64), torch.tensor([len(part) for part in parts]))


@pytest.mark.parametrize("groups", [2, 5, 20])
def test_authenticity_and_its_error_equal_brute_force(groups: int) -> None:
    fakes, reals = torch.cat([features(40, 1), features(30, 2)[:10]]), features(30, 2)
    score = authenticity(fakes, reals, groups=groups)
    value = authentic_by_hand(fakes, reals)
    assert score.value == pytest.approx(value, rel=1e-12)
    assert 0 < value < 100
    sides = [without(fakes, reals, groups, of_reals) for of_reals in (False, True)]
    assert score.error == pytest.approx(jackknife(value, *sides)[0], rel=1e-9)


def test_authenticity_of_copies_and_of_strangers() -> None:
    reals = features(80, 1)
    assert authenticity(reals + 1e-4 * features(80, 2), reals).value == 0
    assert authenticity(features(80, 3) + 50, reals).value == 100
    assert authenticity(reals[:40], reals.repeat(2, 1)).value == 0  # as near as the other copy is not further
    score = authenticity(features(80, 3), reals, name="some")
    assert (score.name, score.better, score.corrected) == ("some", "higher", None)


def test_few_pictures_have_authenticity_and_no_error() -> None:
    fakes, reals = features(9, 1), features(9, 2)
    for x, y in ((fakes[:2], reals), (fakes, reals[:2]), (fakes, reals[:3])):
        score = authenticity(x, y, groups=2)
        assert score.value == pytest.approx(authentic_by_hand(x, y))
        assert score.error is None
        assert score.note
    assert authenticity(fakes[:3], reals[:3]).error is not None


def test_most_suspicious_fakes_come_first() -> None:
    reals = features(60, 1)
    fakes = features(40, 2)
    fakes[7], fakes[21], fakes[30] = reals[5] + 1e-3, reals[11], reals[40] + 1e-4
    found = most_suspicious(find_near_reals(fakes, reals), 10)
    assert [(fake, real) for fake, real, _ in found[:3]] == [(21, 11), (30, 40), (7, 5)]
    assert found[0][2] == np.inf
    across, among = cdist(fakes.double(), reals.double()), cdist(reals.double(), reals.double())
    np.fill_diagonal(among, np.inf)
    for fake, real, suspicion in found[1:]:
        assert real == across[fake].argmin()
        assert suspicion == pytest.approx(among[real].min() / across[fake, real], rel=1e-12)
    ranked = [suspicion for _, _, suspicion in found]
    assert ranked == sorted(ranked, reverse=True)
    assert len(most_suspicious(find_near_reals(fakes, reals), 1000)) == 40


@pytest.mark.parametrize("copies", [1, 17, 40])
def test_copies_among_the_reals_do_not_hide_a_fake(copies: int) -> None:
    reals = features(60, 1)
    fakes = features(40, 2)
    fakes[7] = reals[5] + 1e-3
    sets = reals, torch.cat([reals, reals[5:6].expand(copies, -1)])
    alone, repeated = (most_suspicious(find_near_reals(fakes, among), 3) for among in sets)
    assert repeated[0][0] == 7
    assert repeated[0][2] == pytest.approx(alone[0][2])


@pytest.mark.parametrize("groups", [2, 5, 20])
@pytest.mark.parametrize(("count", "reals"), [(40, 30), (9, 9), (6, 3)])
def test_neighbours_found_once_serve_every_score(groups: int, count: int, reals: int) -> None:
    """Enough of them for each, whichever group is left out: the same values and errors as alone."""
    x, y = features(count, 1), features(reals, 2)
    near = find_near_reals(x, y, groups=groups)
    assert authenticity(x, y, groups=groups, near=near) == authenticity(x, y, groups=groups)
    if reals > DEEPEST:
        shared = manifold_scores(x, y, groups=groups, among_reals=near.to_reals)
        assert shared == manifold_scores(x, y, groups=groups)


def test_unusable_features_are_refused() -> None:
    good = features(20, 1)
    for measure in (authenticity, find_near_reals):
        with pytest.raises(DataError, match="1 of 21 fakes have features that are not finite"):
            measure(torch.cat([good, torch.full((1, 6), torch.inf)]), good)
        with pytest.raises(UsageError, match="6 features and the other 3"):
            measure(good, good[:, :3])
