"""Every score of two sets of pictures from one look at each, and what chance alone would give."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganvas.metric.diversity import diversity_score
from ganvas.metric.extract import Extracted
from ganvas.metric.frechet import frechet_score
from ganvas.metric.inception_score import is_score
from ganvas.metric.kernel import kid_score, kid_subsets
from ganvas.metric.manifold import manifold_scores
from ganvas.metric.memorised import NearReals, authenticity, find_near_reals
from ganvas.metric.protocol import Protocol
from ganvas.metric.score import Score

SUBSET = 1000
SHUFFLE = 2020
"""Pictures come in the order of their files, class by class; an Inception score splits them as torch-fidelity does."""
LEAST_HALF = 10
"""Reals in a half below which a floor says nothing."""


@dataclass(frozen=True)
class Scored:
    """What two sets of pictures are worth.

    Attributes:
        scores: All of them.
        floors: By name: one half of the reals against the other.
        near: The reals around each fake and each real.
    """

    scores: tuple[Score, ...]
    floors: Mapping[str, float]
    near: NearReals = field(repr=False, compare=False)


def score_sets(
    fakes: Extracted, reals: Extracted, network: str, protocol: Protocol, *, groups: int, seed: int
) -> Scored:
    """All scores of fakes against reals.

    Args:
        fakes: What is known of the fakes.
        reals: What is known of the reals.
        network: Name of the feature network; scores are named after it.
        protocol: Its covariance and splits count.
        groups: Groups of the jackknife.
        seed: Of groups, splits and halves.

    Raises:
        DataError: Too few pictures, one repeated, or features that are not finite.
        UsageError: Fewer than two groups.
    """

    def of_pairs(x: Tensor, y: Tensor, groups: int, near: NearReals) -> list[Score]:
        return [
            frechet_score(x, y, groups=groups, unbiased=protocol.unbiased, seed=seed, name=named(network, "fd")),
            kid_score(x, y, groups=groups, seed=seed, name=named(network, "kd")),
            *of_subsets(x, y),
            *manifold_scores(x, y, groups=groups, seed=seed, prefix=named(network, ""), among_reals=near.to_reals),
            diversity_score(x, y, groups=groups, seed=seed, name=named(network, "diversity")),
            authenticity(x, y, groups=groups, seed=seed, name=named(network, "authenticity"), near=near),
        ]

    def of_subsets(x: Tensor, y: Tensor) -> list[Score]:
        if min(len(x), len(y)) < SUBSET:
            return []
        mean, spread = kid_subsets(x, y, subsets=protocol.kid_subsets, subset_size=SUBSET, seed=seed)
        note = f"The papers' mean over {protocol.kid_subsets} subsets of {SUBSET}; their spread is {spread:.2g}."
        return [Score(named(network, "kd-subsets"), mean, None, None, "lower", note)]

    def of_logits(logits: Tensor) -> list[Score]:
        if logits.shape[1] < 2 or len(logits) < 2 * protocol.splits:
            return []
        name = named(network, "is")
        return [is_score(logits, splits=protocol.splits, shuffle_seed=SHUFFLE, groups=groups, seed=seed, name=name)]

    near = find_near_reals(fakes.features, reals.features, groups=groups)
    scores = [*of_pairs(fakes.features, reals.features, groups, near), *of_logits(fakes.logits)]
    order = torch.randperm(len(reals), generator=torch.Generator().manual_seed(seed))
    first, second = order.tensor_split(2)
    floors = {score.name: score.value for score in of_logits(reals.logits[second])}
    constant = any((reals.features[half] == reals.features[half[0]]).all() for half in (first, second))
    if len(second) >= LEAST_HALF and not constant:
        halves = reals.features[first], reals.features[second]
        between = of_pairs(*halves, 2, find_near_reals(*halves, groups=2))
        floors |= {score.name: score.value for score in between}
    return Scored(tuple(scores), floors, near)


def named(network: str, score: str) -> str:
    """A score's name: only what the Inception network of the papers sees bears the papers' names."""
    papers = {"fd": "fid", "kd": "kid", "kd-subsets": "kid-subsets", "is": "inception-score"}
    return papers.get(score, score) if network == "inception-v3" else f"{network}-{score}"
