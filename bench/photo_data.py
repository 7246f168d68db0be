"""Lay the photographs of the photo tasks out in three folders, checked by their hashes; draw pages of text.

    python bench/fetch.py gcompris interiors wallpapers mate ai-benchmark enlightenment budgie lomiri palapeli
    python bench/fetch.py font-liberation font-lato font-garamond
    python bench/photo_data.py            (or --out FOLDER)

Makes `training`, `validation` and `test` from `bench/photographs/list.tsv`, by links, or copies where there are none,
and `training/pages`, which networks learn letters from. What is 2,800 px or longer is soft at that size: it is halved.
Sources, licences and how the photographs were chosen are in docs/photo-data.md. `--assign` writes the list again by the
rule of `bench/photographs/split.py`, after a change of it.
"""

import argparse
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
from fetch import CACHE
from photographs.pages import write_pages
from photographs.split import LIST, PARTS, Photograph, assigned, read_list
from PIL import Image

from ganvas.data.duplicates import describe, lookalikes

FOLDER = CACHE / "photo"
FONTS = ("font-liberation", "font-lato", "font-garamond")


def file_name(photograph: Photograph) -> str:
    """One that is its own in a folder of all sources, and says what it is."""
    name = photograph.file.replace("/contents/images/2560x1600", "").replace("/", "-")
    return f"{photograph.source}-{Path(name).with_suffix('.png') if photograph.halved else name}"


def checked(photograph: Photograph, cache: Path = CACHE) -> Path:
    """The file of a photograph in the cache; ends the program if it is not there or is another."""
    path = cache / photograph.source / photograph.file
    if not path.is_file():
        raise SystemExit(f"'{path}' is not there; run `python bench/fetch.py {photograph.source}`.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != photograph.sha256:
        raise SystemExit(f"'{path}' has the SHA-256 {found}, not {photograph.sha256}; remove it and fetch again.")
    return path


def lay_out(photographs: Iterable[Photograph], folder: Path, cache: Path = CACHE) -> None:
    """Make one folder a part, holding the photographs of the list and nothing else."""
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    for photograph in photographs:
        path, target = checked(photograph, cache), folder / photograph.part / file_name(photograph)
        if photograph.halved:
            with Image.open(path) as image:
                half = (image.width // 2, image.height // 2)
                image.convert("RGB").resize(half, Image.Resampling.LANCZOS).save(target, compress_level=1)
            continue
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)


def fonts(cache: Path = CACHE) -> list[Path]:
    """Of all packages; ends the program if one is not there."""
    for name in FONTS:
        if not (cache / name).is_dir():
            raise SystemExit(f"'{cache / name}' is not there; run `python bench/fetch.py {name}`.")
    return [path for name in FONTS for path in sorted((cache / name).iterdir())]


def near_duplicates(folder: Path) -> list[list[Path]]:
    """Groups of pictures that look the same, by the finder that `ganvas check` uses."""
    paths = sorted(path for part in PARTS for path in (folder / part).iterdir())
    described = []
    for path in paths:
        with Image.open(path) as image:
            image.draft("RGB", (512, 512))
            described.append(describe(np.asarray(image.convert("RGB"))))
    return [[paths[row] for row in group] for group in lookalikes(np.stack(described))]


def write_list(photographs: Iterable[Photograph], path: Path = LIST) -> None:
    """Write the list, part after part."""
    lines = ["\t".join(field.name for field in fields(Photograph))]
    order = sorted(photographs, key=lambda one: (PARTS.index(one.part), one.source, one.file))
    lines += ["\t".join(map(str, astuple(one))).rstrip(" ") for one in order]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Check, lay out, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--assign", action="store_true", help="write the list again before")
    parser.add_argument("--quick", action="store_true", help="count only")
    asked = parser.parse_args()
    if asked.assign:
        write_list(assigned(read_list()))
    photographs = read_list()
    if not asked.quick:
        lay_out(photographs, asked.out)
        for group in near_duplicates(asked.out):
            print("look the same: " + ", ".join(str(path.relative_to(asked.out)) for path in group))
            if len({path.parent for path in group}) > 1:
                raise SystemExit("Near duplicates lie in different parts; give them one scene and use --assign.")
        write_pages(asked.out / "training" / "pages", fonts())
    for part in PARTS:
        some = [one for one in photographs if one.part == part]
        by_source = {source: sum(one.source == source for one in some) for source in sorted({o.source for o in some})}
        counts = ", ".join(f"{count} {source}" for source, count in by_source.items())
        megapixels = sum(one.pixels for one in some) / 1e6
        print(f"{part}: {len(some)} photographs, {megapixels:.0f} megapixels ({counts})")


if __name__ == "__main__":
    main()
