"""Inception score: whether a classifier is sure of each picture and finds all classes among them.

``exp(E KL(p(y|x) || p(y)))`` (Salimans et al. 2016, arXiv:1606.03498, section 4), natural logarithm, the mean over
splits of the pictures. It sees no reals: a generator that paints one perfect picture of each class has the best score.
With the logits of any other classifier it is another score, and deserves another name.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.jackknife import GROUPS, Deleted, check_groups, jackknife
from ganvas.metric.score import Score, check_finite


@dataclass(frozen=True)
class _Sums:
    """Sums over pictures, with any leading axes: splits, groups.

    Attributes:
        count: Pictures, ``(...)``.
        negentropy: Of ``sum_y p(y|x) log p(y|x)``, ``(...)``.
        probability: Of ``p(y|x)``, ``(..., K)``.
    """

    count: Tensor
    negentropy: Tensor
    probability: Tensor

    def score(self) -> Tensor:
        mean = (self.probability / self.count[..., None]).clamp_min(0)
        entropy: Tensor = torch.special.entr(mean).sum(-1)
        return (self.negentropy / self.count + entropy).exp()


def inception_score(logits: Tensor, *, splits: int = 10, shuffle_seed: int | None = None) -> tuple[float, float]:
    """Mean over splits, and the spread over them that papers print after a ±.

    Args:
        logits: ``(N, K)``, K classes.
        splits: Consecutive pictures are split into this many parts, equal but for rounding.
        shuffle_seed: Shuffle before splitting, as torch-fidelity does with 2020; None keeps the order.

    Returns:
        Mean and standard deviation (over ``splits``, not one less), from 1 to K.

    Raises:
        UsageError: There are no classes, or no splits.
        DataError: Fewer pictures than splits, or than two, or logits that are not finite.
    """
    parts = _split(logits, splits, shuffle_seed)
    scores = _sums(parts, [torch.zeros(len(part), dtype=torch.int64) for part in parts], 1).score()
    return float(scores.mean()), float(scores.std(correction=0))


def is_score(
    logits: Tensor,
    *,
    splits: int = 10,
    shuffle_seed: int | None = None,
    groups: int = GROUPS,
    seed: int = 0,
    name: str = "inception_score",
) -> Score:
    """Inception score with standard error and bias correction by a delete-group jackknife.

    The score is too low, the more so the smaller the splits are: few pictures look as if they had fewer classes.
    ``corrected`` is that of endless pictures.

    Args:
        logits: ``(N, K)``, K classes.
        splits: As for `inception_score`.
        shuffle_seed: As for `inception_score`.
        groups: Groups of the jackknife, each with its share of every split.
        seed: Of the groups.
        name: The score's.

    Returns:
        The note says what the spread over splits is, which papers print as the error.

    Raises:
        UsageError: There are no classes, no splits, or fewer than two groups.
        DataError: Fewer pictures than splits, or than two, or logits that are not finite.
    """
    check_groups(groups)
    parts = _split(logits, splits, shuffle_seed)
    groups = min(groups, len(logits))
    generator, places = torch.Generator().manual_seed(seed), torch.arange(len(logits)).split([len(p) for p in parts])
    labels = [place[torch.randperm(len(place), generator=generator)] % groups for place in places]
    by_group = _sums(parts, labels, groups)
    whole = _Sums(by_group.count.sum(1), by_group.negentropy.sum(1), by_group.probability.sum(1))
    scores = whole.score()
    value, spread = float(scores.mean()), float(scores.std(correction=0))
    note = f"Over {splits} splits the spread, which papers print after a ±, is {spread:.3g}."
    if float((whole.count[:, None] - by_group.count).min()) < 2:
        return Score(name, value, None, None, "higher", f"{note} Splits of so few pictures give no standard error.")
    left = _Sums(
        whole.count[:, None] - by_group.count,
        whole.negentropy[:, None] - by_group.negentropy,
        whole.probability[:, None] - by_group.probability,
    )
    error, corrected = jackknife(value, Deleted(left.score().mean(0), by_group.count.sum(0)))
    return Score(name, value, error, corrected, "higher", note)


def _sums(parts: list[Tensor], labels: list[Tensor], groups: int) -> _Sums:
    """Sums of each part (first axis) over the pictures with each label (second axis)."""
    rows = []
    for part, label in zip(parts, labels, strict=True):
        logs = torch.log_softmax(part.cpu().double(), 1)
        probability = logs.exp()
        zeros = torch.zeros(groups, part.shape[1], dtype=torch.float64)
        count = torch.bincount(label, minlength=groups)
        negentropy = zeros[:, 0].index_add(0, label, (probability * logs).sum(1))
        rows.append((count, negentropy, zeros.index_add(0, label, probability)))
    count, negentropy, probability = (torch.stack(column) for column in zip(*rows, strict=True))
    return _Sums(count, negentropy, probability)


def _split(logits: Tensor, splits: int, shuffle_seed: int | None) -> list[Tensor]:
    count, classes = logits.shape
    if classes < 2:
        raise UsageError("A feature network without classes gives no Inception score; choose one that has them.")
    if splits < 1:
        raise UsageError(f"An Inception score cannot be taken over {splits} splits; give 1 or more.")
    check_finite("pictures", logits, "logits")
    if count < splits:
        raise DataError(f"{count} pictures cannot be split in {splits}; give more pictures or fewer splits.")
    if shuffle_seed is not None:
        logits = logits[torch.from_numpy(np.random.RandomState(shuffle_seed).permutation(count))]
    return [logits[part * count // splits : (part + 1) * count // splits] for part in range(splits)]
