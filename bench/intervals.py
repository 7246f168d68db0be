"""How often a nominal 95 % interval around a score holds the truth, on features of real pictures.

    python bench/fetch.py fashion
    python bench/intervals.py
    python bench/intervals.py --features fakes.npy reals.npy --count 2000

The 70,000 pictures of Fashion-MNIST stand for everything there is: the distance between two versions of them, or
between some of their classes and all, is the truth. From each side samples are drawn a hundred times, without
replacement; each pair of them gives a score, its standard error and its correction. The table says how far the raw and
the corrected value are from the truth on average, in units of it; the spread of the centre over draws, against the
mean standard error; and how often the interval around either holds the truth: 95 % if all is well. KID has no bias,
and so no correction.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from clothes import fashion
from torch import Tensor

from ganvas.metric.frechet import frechet_from_features, frechet_score
from ganvas.metric.kernel import kid, kid_score
from ganvas.metric.score import Score
from ganvas.network.features.random import RandomFeatures

Z = 1.959964


class Case(NamedTuple):
    """Two populations, ``(N, D)`` and ``(M, D)``."""

    name: str
    fakes: Tensor
    reals: Tensor


def seen(images: Tensor) -> Tensor:
    """Features of grey pictures in [-1, 1]."""
    network = RandomFeatures()
    return torch.cat([network(part.expand(-1, 3, -1, -1)).features for part in images.split(1000)])


def cases() -> list[Case]:
    """All clothes against some classes, against blurred ones, and against noisy ones."""
    (train, train_labels), (test, test_labels) = fashion("train"), fashion("t10k")
    images, labels = torch.cat([train, test]), torch.cat([train_labels, test_labels])
    noise = 0.1 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    blur = 0.5 * images + 0.5 * F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    clean = seen(images)
    return [
        Case("six classes / all", clean[labels < 6], clean),
        Case("blurred / clean", seen(blur), clean),
        Case("noisy / clean", seen((images + noise).clamp(-1, 1)), clean),
    ]


def draw(case: Case, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """``count`` of each side without replacement."""
    fakes, reals = (rows[torch.randperm(len(rows), generator=generator)[:count]] for rows in case[1:])
    return fakes, reals


def line(scores: list[Score], truth: float) -> str:
    """What the scores of many draws say about their intervals."""
    values = np.array([score.value for score in scores])
    errors = np.array([score.error for score in scores], float)
    fixed = np.array([score.value if score.corrected is None else score.corrected for score in scores])
    inside = [f"{np.mean(np.abs(centre - truth) < Z * errors):4.0%}" for centre in (values, fixed)]
    off = [f"{(centre.mean() - truth) / truth:+7.1%}" for centre in (values, fixed)]
    return f"{truth:10.4g}  {off[0]} {off[1]}  {fixed.std(ddof=1):9.3g} {errors.mean():9.3g}  {inside[0]} {inside[1]}"


def main() -> None:
    """Print two lines a case and number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", nargs=2, type=Path, metavar="FILE.npy", help="populations, (N, D) and (M, D)")
    parser.add_argument("--count", nargs="+", type=int, default=[1000, 4000], help="pictures drawn a side")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a few small draws from 3,000 pictures")
    asked = parser.parse_args()
    counts, draws = ([300], 10) if asked.quick else (asked.count, asked.draws)
    if asked.features:
        fakes, reals = (torch.from_numpy(np.load(path).astype(np.float32)) for path in asked.features)
        every = [Case(f"{asked.features[0].stem} / {asked.features[1].stem}", fakes, reals)]
    else:
        every = cases()
    if max(counts) > (least := min(len(rows) for case in every for rows in case[1:])):
        parser.error(f"no {max(counts)} pictures can be drawn from {least}")
    print(f"{draws} draws; D = {every[0].fakes.shape[1]}; distance from the truth and share of intervals that hold it:")
    print("case                          n  score         truth      raw   fixed    spread   SE mean  raw  fixed")
    for case in every:
        generator = torch.Generator().manual_seed(1)
        if asked.quick:
            case = Case(case.name, *draw(case, 3000, generator))
        truths = {"frechet": frechet_from_features(*case[1:]), "kid": kid(*case[1:])}
        for count in counts:
            scores: dict[str, list[Score]] = {"frechet": [], "kid": []}
            for _ in range(draws):
                fakes, reals = draw(case, count, generator)
                scores["frechet"].append(frechet_score(fakes, reals))
                scores["kid"].append(kid_score(fakes, reals))
            for name, found in scores.items():
                print(f"{case.name:<26} {count:5d}  {name:<8}{line(found, truths[name])}", flush=True)


if __name__ == "__main__":
    main()
