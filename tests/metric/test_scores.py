from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.extract import Extracted
from ganvas.metric.neighbours import Neighbours, nearest
from ganvas.metric.protocol import PROTOCOLS
from ganvas.metric.scores import Scored, named, score_sets

GANVAS = PROTOCOLS["ganvas"]
OF_PAIRS = ["fd", "kd", "precision", "recall", "density", "coverage", "diversity", "authenticity"]
PAPERS = {"fd": "fid", "kd": "kid", "kd-subsets": "kid-subsets", "is": "inception-score"}


def known(features: Tensor, logits: Tensor | None = None) -> Extracted:
    count = len(features)
    return Extracted(
        features.float(),
        torch.zeros(count, 0) if logits is None else logits,
        np.zeros((count, 32, 32, 3), np.uint8),
        np.arange(count),
        {(8, 8): count},
    )


def drawn(seed: int, count: int, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def scored(fakes: Extracted, reals: Extracted, network: str = "random", groups: int = 2, seed: int = 0) -> Scored:
    return score_sets(fakes, reals, network, GANVAS, groups=groups, seed=seed)


def values(found: Scored) -> dict[str, float]:
    return {score.name: score.value for score in found.scores}


@pytest.mark.parametrize("network", ["random", "efficientnet-lite0", "mobilenet-v2", "classifier"])
def test_scores_are_named_after_the_network(network: str) -> None:
    found = scored(known(drawn(0, 40), drawn(5, 40)), known(drawn(1, 30), drawn(6, 30)), network)
    assert [score.name for score in found.scores] == [f"{network}-{name}" for name in [*OF_PAIRS, "is"]]


def test_only_inception_bears_the_papers_names() -> None:
    protocol = replace(GANVAS, kid_subsets=2)
    sides = known(drawn(0, 1000), drawn(5, 1000)), known(drawn(1, 1001), drawn(6, 1001))
    found = score_sets(*sides, "inception-v3", protocol, groups=2, seed=0)
    wanted = ["fid", "kid", "kid-subsets", *OF_PAIRS[2:], "inception-score"]
    assert [score.name for score in found.scores] == wanted
    assert [named("inception-v3", name) for name in PAPERS] == list(PAPERS.values())
    assert [named("random", name) for name in PAPERS] == [f"random-{name}" for name in PAPERS]


def test_each_score_has_its_floor() -> None:
    found = scored(known(drawn(0, 40), drawn(5, 40)), known(drawn(1, 40), drawn(6, 40)))
    assert set(found.floors) == {score.name for score in found.scores}
    without_logits = scored(known(drawn(0, 40)), known(drawn(1, 40)))
    assert set(without_logits.floors) == {f"random-{name}" for name in OF_PAIRS}


def test_a_floor_is_what_reals_score_against_reals() -> None:
    """Good fakes come near it, bad ones do not; the floor does not know the fakes."""
    reals = known(drawn(1, 400))
    good, bad = scored(known(drawn(0, 200)), reals), scored(known(0.3 * drawn(0, 200) + 2), reals)
    assert good.floors == bad.floors
    floor = good.floors
    assert abs(values(good)["random-fd"] - floor["random-fd"]) < 0.2
    assert values(bad)["random-fd"] > 20 * floor["random-fd"]
    assert values(bad)["random-kd"] > 20 * abs(floor["random-kd"])
    assert floor["random-precision"] > 0.8 > 0.5 > values(bad)["random-recall"]
    assert floor["random-diversity"] == pytest.approx(1, abs=0.1)
    assert values(bad)["random-diversity"] < 0.4


def test_an_inception_score_does_not_depend_on_the_order_of_classes() -> None:
    """A sure classifier and ten classes, file by file: 10 but for the ten of a split that chance leaves out."""
    by_class = 30 * torch.eye(10).repeat_interleave(60, 0)
    found = scored(known(drawn(0, 600), by_class), known(drawn(1, 600), by_class))
    for value in (values(found)["random-is"], found.floors["random-is"]):
        assert 8 < value < 10


def test_the_floor_of_logits_is_of_half_of_the_reals() -> None:
    sure, unsure = 30 * torch.eye(10).repeat(40, 1), torch.zeros(400, 10)
    found = scored(known(drawn(0, 60), drawn(5, 60, 10)), known(drawn(1, 400), sure))
    fewer = scored(known(drawn(0, 400), sure), known(drawn(1, 400), unsure))
    assert found.floors["random-is"] < values(fewer)["random-is"]  # splits of 20 leave out more classes than of 40
    assert fewer.floors["random-is"] == pytest.approx(1)


@pytest.mark.parametrize(("count", "there"), [(19, False), (20, True)])
def test_halves_too_small_for_a_floor(count: int, there: bool) -> None:
    found = scored(known(drawn(0, 30)), known(drawn(1, count)))
    assert len(found.scores) == len(OF_PAIRS)
    assert bool(found.floors) == there


def test_what_few_pictures_cannot_tell_is_left_out() -> None:
    """No Inception score of fewer than two pictures a split, none of a single class; no subsets of 1,000."""
    assert "random-is" not in values(scored(known(drawn(0, 19), drawn(5, 19)), known(drawn(1, 30))))
    assert "random-is" in values(scored(known(drawn(0, 20), drawn(5, 20)), known(drawn(1, 30))))
    assert "random-is" not in values(scored(known(drawn(0, 30), drawn(5, 30, 1)), known(drawn(1, 30))))
    assert "random-kd-subsets" not in values(scored(known(drawn(0, 999)), known(drawn(1, 1000))))


def test_subsets_of_a_thousand_are_the_papers_mean() -> None:
    """Where a subset holds all, its distance is the distance."""
    protocol = replace(GANVAS, kid_subsets=2)
    found = score_sets(known(drawn(0, 1000) + 0.3), known(drawn(1, 1000)), "random", protocol, groups=2, seed=0)
    by_name = {score.name: score for score in found.scores}
    assert by_name["random-kd-subsets"].value == pytest.approx(by_name["random-kd"].value, rel=1e-6)
    assert "2 subsets of 1000" in by_name["random-kd-subsets"].note
    assert by_name["random-kd-subsets"].error is None


def distance(x: NDArray[np.float64], y: NDArray[np.float64], biased: bool) -> float:
    """The papers' formula, in SciPy."""
    first, second = np.cov(x.T, bias=biased), np.cov(y.T, bias=biased)
    root = scipy.linalg.sqrtm(first @ second).real
    return float(np.square(x.mean(0) - y.mean(0)).sum() + np.trace(first + second - 2 * root))


@pytest.mark.parametrize("unbiased", [True, False])
def test_the_protocol_decides_on_the_covariance(unbiased: bool) -> None:
    x, y = 2 * drawn(0, 25), drawn(1, 40) + 1
    found = score_sets(known(x), known(y), "random", replace(GANVAS, unbiased=unbiased), groups=2, seed=0)
    assert found.scores[0].value == pytest.approx(distance(x.double().numpy(), y.double().numpy(), not unbiased))


def test_fewer_samples_than_dimensions_still_answer() -> None:
    found = scored(known(drawn(0, 30, 50)), known(drawn(1, 30, 50)))
    note = found.scores[0].note
    assert "30 pictures for 50 features" in note
    assert "kernel distance (KID)" in note
    assert scored(known(drawn(0, 300)), known(drawn(1, 300)), groups=20).scores[0].note == ""


def test_a_seed_decides_on_groups_and_halves_alone() -> None:
    sides = known(drawn(0, 60), drawn(5, 60)), known(drawn(1, 50), drawn(6, 50))
    first, again, other = (scored(*sides, groups=5, seed=seed) for seed in (3, 3, 4))
    assert first == again
    for one, two in zip(first.scores, other.scores, strict=True):
        if one.name != "random-is":
            assert one.value == pytest.approx(two.value, rel=1e-9)
        assert one.error != two.error
    assert first.floors["random-fd"] != other.floors["random-fd"]


def test_reals_are_compared_with_reals_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for the scores and once for half of them, not once a score."""
    looked: list[tuple[int, int, int]] = []

    def spy(queries: Tensor, points: Tensor, k: int, *, exclude_self: bool = False) -> Neighbours:
        looked.append((len(queries), len(points), k))
        return nearest(queries, points, k, exclude_self=exclude_self)

    monkeypatch.setattr("ganvas.metric.memorised.nearest", spy)
    monkeypatch.setattr("ganvas.metric.manifold.nearest", spy)
    found = scored(known(drawn(0, 40)), known(drawn(1, 50)))
    assert sorted((queries, points) for queries, points, _ in looked) == [
        *[(25, 25)] * 3,
        (40, 40),
        (40, 50),
        (50, 50),
    ]
    assert found.near.to_fakes[0].shape[0] == 40
    assert found.near.to_reals[0].shape[0] == 50


def test_sides_that_tell_nothing_are_refused() -> None:
    good = known(drawn(0, 30))
    with pytest.raises(DataError, match="All 30 reals have the same features"):
        scored(good, known(torch.ones(30, 4)))
    with pytest.raises(DataError, match="All 30 fakes"):
        scored(known(torch.ones(30, 4)), good)
    with pytest.raises(DataError, match="at least two fakes"):
        scored(known(drawn(0, 1)), good)
    with pytest.raises(UsageError):
        scored(good, good, groups=1)
