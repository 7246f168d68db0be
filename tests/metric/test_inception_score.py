from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.inception_score import inception_score, is_score
from ganvas.metric.jackknife import Deleted, jackknife


def draw_logits(count: int, seed: int = 0, classes: int = 10, sure: float = 2.0) -> Tensor:
    return sure * torch.randn(count, classes, generator=torch.Generator().manual_seed(seed))


def by_hand(logits: Tensor, splits: int) -> tuple[float, float]:
    """exp(E KL(p(y|x) || p(y))) of consecutive parts, as the paper states it."""
    exact = np.exp(logits.double().numpy() - logits.double().numpy().max(1, keepdims=True))
    probability = exact / exact.sum(1, keepdims=True)
    count, scores = len(probability), []
    for part in range(splits):
        some = probability[part * count // splits : (part + 1) * count // splits]
        divergence = (some * (np.log(some) - np.log(some.mean(0)))).sum(1)
        scores.append(np.exp(divergence.mean()))
    return float(np.mean(scores)), float(np.std(scores))


@settings(deadline=None)
@given(st.integers(2, 80), st.integers(1, 12), st.integers(0, 99))
def test_score_equals_the_paper(count: int, splits: int, seed: int) -> None:
    splits = min(count, splits)
    logits = draw_logits(count, seed)
    assert inception_score(logits, splits=splits) == pytest.approx(by_hand(logits, splits), rel=1e-11, abs=1e-12)
    assert is_score(logits, splits=splits).value == pytest.approx(by_hand(logits, splits)[0], rel=1e-11)


def test_bounds_are_met() -> None:
    sure = 1e4 * torch.eye(10).repeat(30, 1)  # naive probabilities would be 0 or infinite
    assert inception_score(sure, splits=3) == pytest.approx((10, 0), abs=1e-9)
    assert inception_score(torch.zeros(30, 10), splits=3) == pytest.approx((1, 0), abs=1e-12)
    assert inception_score(sure[:1].expand(30, 10), splits=3) == pytest.approx((1, 0), abs=1e-12)
    assert inception_score(sure - 1e6, splits=3)[0] == pytest.approx(10)


def test_shuffling_is_that_of_numpy() -> None:
    logits = draw_logits(200) + torch.linspace(0, 5, 200)[:, None] * torch.eye(10)[0]
    shuffled = logits[torch.from_numpy(np.random.RandomState(2020).permutation(200))]
    assert inception_score(logits, shuffle_seed=2020) == inception_score(shuffled)
    assert inception_score(logits, shuffle_seed=2020) != inception_score(logits)
    assert is_score(logits, shuffle_seed=2020).value == pytest.approx(inception_score(shuffled)[0], rel=1e-12)


def test_deleting_a_group_equals_taking_the_score_anew() -> None:
    logits = draw_logits(120)
    generator = torch.Generator().manual_seed(5)
    group = torch.cat([(start + torch.randperm(40, generator=generator)) % 8 for start in (0, 40, 80)])
    deleted = []
    for one in range(8):
        parts = [logits[start : start + 40][group[start : start + 40] != one] for start in (0, 40, 80)]
        deleted.append(np.mean([by_hand(part, 1)[0] for part in parts]))
    value = by_hand(logits, 3)[0]
    found = is_score(logits, splits=3, groups=8, seed=5)
    assert found.error == pytest.approx(sqrt(7 / 8 * np.square(np.array(deleted) - np.mean(deleted)).sum()), rel=1e-8)
    assert found.corrected == pytest.approx(value - 7 * (np.mean(deleted) - value), rel=1e-9)


def test_groups_of_unequal_size_count_as_they_are() -> None:
    logits, sizes = draw_logits(11), [3, 2, 2, 2, 2]
    group = torch.randperm(11, generator=torch.Generator().manual_seed(0)) % 5
    assert torch.bincount(group).tolist() == sizes
    deleted = [by_hand(logits[group != one], 1)[0] for one in range(5)]
    error, corrected = jackknife(by_hand(logits, 1)[0], Deleted(torch.tensor(deleted), torch.tensor(sizes)))
    found = is_score(logits, splits=1, groups=5)
    assert (found.error, found.corrected) == pytest.approx((error, corrected), rel=1e-6)


def test_correction_finds_the_score_of_endless_pictures() -> None:
    truth = inception_score(draw_logits(200_000, 999), splits=1)[0]
    scores = [is_score(draw_logits(500, seed)) for seed in range(60)]
    values, corrected = np.array([s.value for s in scores]), np.array([s.corrected for s in scores])
    spread = corrected.std(ddof=1)
    assert truth - values.mean() > 8 * spread / sqrt(60)
    assert abs(corrected.mean() - truth) < 0.2 * (truth - values.mean())
    assert np.mean([s.error for s in scores]) == pytest.approx(spread, rel=0.3)


def test_note_tells_the_spread() -> None:
    score = is_score(draw_logits(400))
    assert (
        score.note
        == f"Over 10 splits the spread, which papers print after a ±, is {by_hand(draw_logits(400), 10)[1]:.3g}."
    )
    assert score.better == "higher"
    single = is_score(draw_logits(15))
    assert (single.error, single.corrected) == (None, None)
    assert single.note.endswith("Splits of so few pictures give no standard error.")
    assert is_score(draw_logits(30)).error is not None


def test_unusable_logits_are_refused() -> None:
    with pytest.raises(UsageError, match="without classes"):
        inception_score(torch.zeros(50, 0))
    with pytest.raises(UsageError, match="over 0 splits"):
        inception_score(draw_logits(50), splits=0)
    with pytest.raises(UsageError, match="1 group;"):
        is_score(draw_logits(50), groups=1)
    with pytest.raises(DataError, match="9 pictures cannot be split in 10"):
        inception_score(draw_logits(9))
    with pytest.raises(DataError, match="at least two pictures, not 1"):
        inception_score(draw_logits(1), splits=1)
    broken = draw_logits(50)
    broken[3, 1] = torch.nan
    with pytest.raises(DataError, match="1 of 50 pictures have logits that are not finite"):
        is_score(broken)


def test_torchmetrics_agrees() -> None:
    theirs = pytest.importorskip("torchmetrics.image.inception")
    logits = draw_logits(1000).double()
    with pytest.warns(UserWarning, match="buffer"):
        metric = theirs.InceptionScore(feature=torch.nn.Identity())
    metric.features = [logits]
    metric._update_count = 1  # it warns of features that came without `update`
    torch.manual_seed(0)
    mean, std = metric.compute()
    torch.manual_seed(0)
    ours, spread = inception_score(logits[torch.randperm(1000)])
    assert ours == pytest.approx(float(mean), rel=1e-9)
    assert spread * sqrt(10 / 9) == pytest.approx(float(std), rel=1e-9)  # theirs divides by one split less
