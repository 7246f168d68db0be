"""How many planted copies of training pictures are found, and how many honest pictures are flagged?

    python bench/fetch.py fashion emoji photographs
    python bench/copies.py

Copies of some reals, each changed in one way, hide among pictures of the same set that are held out. Emoji are held out
by base emoji, so that no skin tone of a held-out one is among the reals.
"""

import argparse
import io
import re
import time
from collections.abc import Callable

import numpy as np
from fetch import CACHE
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from ganvas.data.array import read_idx
from ganvas.image.convert import to_channels
from ganvas.image.decode import decode
from ganvas.image.resize import fit
from ganvas.metric.copies import find_copies

Picture = NDArray[np.uint8]
Sets = tuple[list[Picture], list[Picture]]
"""Reals, and honest pictures that are not among them."""

VARIANT = re.compile(r"-1f3f[b-f]|-fe0f|-200d-264[02]|-200d-27a1")


def clothes(chance: Generator, quick: bool) -> Sets:
    """Fashion-MNIST: training pictures, and test pictures."""
    train, test = (read_idx(next((CACHE / "fashion").glob(f"{part}-images*"))) for part in ("train", "t10k"))
    reals, honest = (500, 100) if quick else (10_000, 1000)
    rows = chance.permutation(len(train))[:reals], chance.permutation(len(test))[:honest]
    return [one[..., None] for one in train[rows[0]]], [one[..., None] for one in test[rows[1]]]


def emoji(chance: Generator, quick: bool) -> Sets:
    """Noto Emoji on white; one base emoji in five is held out."""
    files = sorted((CACHE / "emoji").rglob("*.png"))
    bases = sorted({VARIANT.sub("", path.stem) for path in files})
    held = set(chance.permutation(bases)[: len(bases) // 5].tolist())
    sides = [[path for path in files if (VARIANT.sub("", path.stem) in held) == out] for out in (False, True)]
    most = (300, 100) if quick else (2600, 600)
    chosen = [
        [side[row] for row in chance.permutation(len(side))[:count]] for side, count in zip(sides, most, strict=True)
    ]
    reals, honest = ([to_channels(decode(path.read_bytes(), path.name), 3) for path in side] for side in chosen)
    return reals, honest


def photographs(chance: Generator, quick: bool) -> Sets:
    """Two thirds of the photographs, 128 px; the others are honest."""
    files = sorted(path for path in (CACHE / "photographs").rglob("*") if path.suffix == ".webp")
    pictures = [fit(to_channels(decode(path.read_bytes(), path.name), 3), (128, 128), "crop") for path in files]
    order = chance.permutation(len(pictures)).tolist()
    cut = len(pictures) * 2 // 3
    return [pictures[row] for row in order[:cut]], [pictures[row] for row in order[cut:]]


def flipped(picture: Picture, chance: Generator) -> Picture:
    """Mirrored left to right."""
    return np.ascontiguousarray(picture[:, ::-1])


def cropped(picture: Picture, chance: Generator) -> Picture:
    """Nine tenths of each side, anywhere, at the old size."""
    height, width = picture.shape[:2]
    rows, columns = round(0.9 * height), round(0.9 * width)
    top, left = (int(chance.integers(0, room + 1)) for room in (height - rows, width - columns))
    return fit(picture[top : top + rows, left : left + columns], (height, width), "stretch")


def shifted(picture: Picture, chance: Generator) -> Picture:
    """Moved by up to 6 % of the height, edges repeated."""
    most = max(1, round(0.06 * len(picture)))
    down, right = (int(chance.choice([-1, 1]) * chance.integers(1, most + 1)) for _ in range(2))
    padded = np.pad(picture, ((most, most), (most, most), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    return padded[most + down : most + down + height, most + right : most + right + width]


def brighter(picture: Picture, chance: Generator) -> Picture:
    """A tenth or a fifth brighter or darker."""
    return np.clip(picture * chance.choice([0.8, 0.9, 1.1, 1.2]), 0, 255).round().astype(np.uint8)


def recompressed(format: str) -> Callable[[Picture, Generator], Picture]:
    """Saved at quality 30 to 80 and read again."""

    def again(picture: Picture, chance: Generator) -> Picture:
        file = io.BytesIO()
        Image.fromarray(to_channels(picture, 3)).save(file, format, quality=int(chance.integers(30, 81)))
        return to_channels(decode(file.getvalue(), "a copy"), picture.shape[2])

    return again


CHANGES: dict[str, Callable[[Picture, Generator], Picture]] = {
    "flip": flipped,
    "crop": cropped,
    "jpeg": recompressed("JPEG"),
    "webp": recompressed("WEBP"),
    "shift": shifted,
    "brighter": brighter,
    "flip+crop": lambda picture, chance: cropped(flipped(picture, chance), chance),
    "crop+jpeg": lambda picture, chance: recompressed("JPEG")(cropped(picture, chance), chance),
}


def main() -> None:
    """One line a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    for name, load in {"photographs": photographs, "emoji": emoji, "clothes": clothes}.items():
        chance = np.random.default_rng(asked.seed)
        reals, honest = load(chance, asked.quick)
        each = min(len(reals), 20 if asked.quick else 100)
        planted = {change: chance.permutation(len(reals))[:each] for change in CHANGES}
        copies = [CHANGES[change](reals[row], chance) for change, rows in planted.items() for row in rows]
        started = time.process_time()
        flagged = {copy.fake for copy in find_copies([*copies, *honest], reals)}
        taken_s = time.process_time() - started
        found = [len(flagged & set(range(first, first + each))) / each for first in range(0, len(copies), each)]
        shares = ", ".join(f"{change} {share:.2f}" for change, share in zip(CHANGES, found, strict=True))
        wrong = sum(row >= len(copies) for row in flagged)
        print(
            f"{name}, {len(reals)} reals, {each} copies a change: {shares}; {wrong} of {len(honest)} honest pictures "
            f"flagged; {taken_s:.0f} s of processor time",
            flush=True,
        )


if __name__ == "__main__":
    main()
