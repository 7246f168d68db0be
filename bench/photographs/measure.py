"""The measurements: problems made of crops, solved by everybody, and scored."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from photographs.crops import Crop
from photographs.damage import DAMAGES, reduced, worn
from photographs.masks import HOLES, scratched
from photographs.method import Finder, Mask, Method, nothing_missing
from photographs.scores import Distance, Found, Scores, found, scored

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Problem:
    """Something to solve.

    Attributes:
        crop: What it was made of, and what the answer should be.
        damage: What was done.
        given: What the competitors see.
        mask: What is missing of it.
        border_px: Not compared.
    """

    crop: Crop
    damage: str
    given: Picture
    mask: Mask
    border_px: int = 0


@dataclass(frozen=True)
class Result:
    """What one competitor made of one problem."""

    problem: Problem
    method: str
    picture: Picture
    scores: Scores


def chance_of(*words: str) -> Generator:
    """Random numbers that depend on names alone, so that one more crop or damage changes no other."""
    return np.random.default_rng(zlib.crc32("/".join(words).encode()))


def upscaling(crops: Sequence[Crop], scale: int, kernel: str) -> Iterator[Problem]:
    """Crops made smaller; PSNR and SSIM leave out a border of the scale, as papers do."""
    for crop in crops:
        given = reduced(crop.pixels, scale, kernel)
        yield Problem(crop, f"x{scale}", given, nothing_missing(given), scale)


def restoring(crops: Sequence[Crop]) -> Iterator[Problem]:
    """Every damage on every crop."""
    for damage, harm in DAMAGES.items():
        for crop in crops:
            given = harm(crop.pixels, chance_of(damage, crop.name))
            yield Problem(crop, damage, given, nothing_missing(given))


def repairing(crops: Sequence[Crop]) -> Iterator[Problem]:
    """Every kind of hole on every crop; what is missing is given as mid-grey."""
    for kind, draw in HOLES.items():
        for crop in crops:
            mask = draw(len(crop.pixels), chance_of(kind, crop.name))
            given = np.where(mask[..., None], np.uint8(128), crop.pixels)
            yield Problem(crop, kind, given, mask)


def solve(problems: Iterable[Problem], methods: Sequence[Method], distance: Distance) -> list[Result]:
    """Every problem by everybody."""
    results = []
    for problem in problems:
        for method in methods:
            picture = method.run(problem.given, problem.mask)
            scores = scored(picture, problem.crop.pixels, problem.mask, problem.border_px, distance)
            results.append(Result(problem, method.name, picture, scores))
    return results


@dataclass(frozen=True)
class Sought:
    """Scratches that one finder found, on harmed photographs, on scans of worn prints, on unharmed ones and on text."""

    finder: str
    scratched: Found
    worn: Found
    unharmed: Found
    text: Found


def seek(crops: Sequence[Crop], finders: Sequence[Finder]) -> list[Sought]:
    """Scratches drawn on photographs and on prints that fade with them; and what is marked where there are none.

    Photographs have whiskers, wires and twigs; text has strokes.
    """
    sums = []
    for finder in finders:
        harmed, old, unharmed, text = (Found(0, 0, 0, 0, 0) for _ in range(4))
        for crop in crops:
            nothing = found(finder.run(crop.pixels), nothing_missing(crop.pixels))
            if crop.rendered:
                text += nothing
                continue
            unharmed += nothing
            damaged, mask = scratched(crop.pixels, chance_of("scratches", crop.name))
            harmed += found(finder.run(damaged), mask)
            old += found(finder.run(worn(damaged, chance_of("worn", crop.name))), mask)
        sums.append(Sought(finder.name, harmed, old, unharmed, text))
    return sums
