"""How often a nominal 95 % interval around a score holds the truth, on features of real pictures.

    python bench/fetch.py fashion
    python bench/intervals.py
    python bench/intervals.py --features efficientnet-lite0
    python bench/intervals.py --features fakes.npy reals.npy --count 2000

The 70,000 pictures of Fashion-MNIST stand for everything there is: the distance between two versions of them, or
between some of their classes and all, is the truth. From each side samples are drawn a hundred times, without
replacement; each pair of them gives a score, its standard error and its correction. The table says how far the raw and
the corrected value are from the truth on average, in units of it; the spread of the centre over draws, against the
mean standard error; and how often the interval around either holds the truth: 95 % if all is well. KID has no bias,
and so no correction.

A trained network looks at 20,000 of them once, which takes ten minutes or more; classes against classes are its cases,
and 500 and 1,000 pictures a side its numbers, both fewer than its 1,280 features.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from clothes import fashion
from fetch import CACHE
from torch import Tensor

from ganvas.metric.frechet import frechet_from_features, frechet_score
from ganvas.metric.kernel import kid, kid_score
from ganvas.metric.protocol import PROTOCOLS, prepare
from ganvas.metric.score import Score
from ganvas.network.features import FEATURE_NETWORKS, load_feature_network
from ganvas.network.features.random import RandomFeatures
from ganvas.tensors import to_levels

Z = 1.959964
LOOKED_AT = 20_000
"""Pictures that a trained network sees."""


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


@torch.inference_mode()
def looked(name: str) -> tuple[Tensor, Tensor]:
    """Features ``(N, D)`` of training pictures in a trained network, kept for the next time, and their classes."""
    images, labels = (part[:LOOKED_AT] for part in fashion("train"))
    file = CACHE / f"clothes-{name}-{LOOKED_AT}.npy"
    if not file.exists():
        network, found = load_feature_network(name), list[Tensor]()
        for part in images.split(50):
            levels = prepare(to_levels(part), network.side_px, PROTOCOLS["ganvas"], network.offset, network.scale)
            found.append(network.network(levels).features)
        np.save(file, torch.cat(found).numpy())
    return torch.from_numpy(np.load(file)), labels


def cases_of_classes(name: str) -> list[Case]:
    """Some clothes against all, and against the others."""
    features, labels = looked(name)
    return [
        Case("six classes / all", features[labels < 6], features),
        Case("even classes / odd ones", features[labels % 2 == 0], features[labels % 2 == 1]),
    ]


def chosen(features: list[str]) -> list[Case]:
    """The cases of ``--features``: none, the name of a network, or two files."""
    if not features:
        return cases()
    if len(features) == 1:
        return cases_of_classes(features[0])
    files = [Path(name) for name in features]
    fakes, reals = (torch.from_numpy(np.load(path).astype(np.float32)) for path in files)
    return [Case(f"{files[0].stem} / {files[1].stem}", fakes, reals)]


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
    told = "a trained network, or two files of populations, (N, D) and (M, D)"
    parser.add_argument("--features", nargs="+", default=[], metavar="NAME", help=told)
    parser.add_argument("--count", nargs="+", type=int, help="pictures drawn a side")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a few small draws from 3,000 pictures")
    asked = parser.parse_args()
    named = len(asked.features) == 1
    counts = asked.count or ([500, 1000] if named else [1000, 4000])
    counts, draws = ([300], 10) if asked.quick else (counts, asked.draws)
    if len(asked.features) > 2 or (named and asked.features[0] not in FEATURE_NETWORKS):
        parser.error(f"--features takes one of {', '.join(FEATURE_NETWORKS)}, or two files")
    every = chosen(asked.features)
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
