"""The contact sheets of docs/photographs.md: the installed models on test photographs that may be shown.

    python bench/photo_data.py        (it says what to fetch before)
    python bench/contact.py --out docs/pictures

Grass, straw and stone, gilt and water, rock, a shell, and print; all photographs are in the public domain or under
the Pexels licence, and no model was trained on them. Damages and squares are those of `photo.py`, only smaller; one
large hole in each, as `photo_holes.py` cuts them.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from photo_data import FOLDER, file_name
from photographs.classical import biharmonic, enlargers, repairers
from photographs.crops import Crop, square, text
from photographs.field import Setting, installed, own
from photographs.masks import oval
from photographs.measure import Picture, Problem, chance_of, repairing, restoring, upscaling
from photographs.plain_errors import plain_errors
from photographs.sheet import sheet
from photographs.split import read_list
from PIL import Image

SIDE_PX = 192
LARGE_SIDE_PX, ACROSS_PX = 320, 130
ROWS = ("sheep", "citedeCarcassonne", "goldenTemple", "petra", "pexels-6707631")
SHOWN = ("public-domain", "Pexels")
QUALITY = 88
Row = tuple[str, list[tuple[str, Picture]]]


def crops(side_px: int = SIDE_PX) -> list[Crop]:
    """A square of each photograph."""
    found = []
    for name in ROWS:
        (photograph,) = (one for one in read_list() if one.part == "test" and Path(one.file).stem == name)
        assert photograph.licence in SHOWN, f"{name} may not be shown: {photograph.licence}"
        with Image.open(FOLDER / "test" / file_name(photograph)) as image:
            found.append(Crop(name, square(np.array(image.convert("RGB")), side_px)))
    return found


def painters(task: str) -> dict[str, Callable[[Problem], Picture]]:
    """The ends of the installed model of a task, by name."""
    setting = Setting(Path(), 1, installed())
    return {one.name: lambda asked, run=one.run: run(asked.given, asked.mask) for one in own(task, setting)}


def enlarged(some: list[Crop], scale: int) -> list[Row]:
    """Bicubic, ours, and what it should be."""
    bicubic = next(one for one in enlargers(scale) if one.name == "bicubic")
    ours = painters(f"upscale{scale}")
    return [
        (
            asked.crop.name,
            [
                ("bicubic", bicubic.run(asked.given, asked.mask)),
                *((name, paint(asked)) for name, paint in ours.items()),
                ("original", asked.crop.pixels),
            ],
        )
        for asked in upscaling(some, scale, "bicubic")
    ]


def restored(some: list[Crop]) -> list[Row]:
    """Two damages, each beside what becomes of it; then what becomes of an unharmed picture."""
    (paint,) = painters("restore").values()
    rows: dict[str, list[tuple[str, Picture]]] = {one.name: [] for one in some}
    for asked in restoring(some):
        if asked.damage in ("jpeg-10", "noise-25"):
            rows[asked.crop.name] += [(asked.damage, asked.given), ("restored", paint(asked))]
        elif asked.damage == "clean":
            rows[asked.crop.name] += [("unharmed, restored", paint(asked)), ("original", asked.crop.pixels)]
    return list(rows.items())


def repaired(some: list[Crop]) -> list[Row]:
    """Thick strokes: what is given, the best classical filling, ours, and what had been there."""
    ours = painters("repair")
    return [
        (
            asked.crop.name,
            [
                ("given", asked.given),
                ("biharmonic", biharmonic(asked.given, asked.mask)),
                *((name, paint(asked)) for name, paint in ours.items()),
                ("original", asked.crop.pixels),
            ],
        )
        for asked in repairing(some)
        if asked.damage == "thick"
    ]


def emptied() -> list[Row]:
    """A large hole in larger squares: what is given, a classical filling, ours, and what had been there."""
    ours, telea = painters("repair")["repair inventive"], next(one for one in repairers() if one.name == "telea")
    rows: list[Row] = []
    for crop in crops(LARGE_SIDE_PX):
        mask = oval(LARGE_SIDE_PX, chance_of(crop.name, "contact"), ACROSS_PX)
        asked = Problem(crop, "oval", np.where(mask[..., None], np.uint8(128), crop.pixels), mask)
        done = [("telea", telea.run(asked.given, mask)), ("repair", ours(asked)), ("original", crop.pixels)]
        rows.append((crop.name, [("given", asked.given), *done]))
    return rows


@plain_errors()
def main() -> None:
    """Draw all five."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("contact"))
    out: Path = parser.parse_args().out
    if not (FOLDER / "test").is_dir():
        raise SystemExit(f"There is no folder of photographs '{FOLDER / 'test'}'; photo_data.py lays them out.")
    out.mkdir(parents=True, exist_ok=True)
    some = [*crops(), Crop("text-dark", text(SIDE_PX, (34, 32, 30), (246, 243, 236)))]
    sheets = {
        "upscale-2": enlarged(some, 2), "upscale-4": enlarged(some, 4),
        "restore": restored(some), "repair": repaired(some), "repair-large": emptied(),
    }  # fmt: skip
    for name, rows in sheets.items():
        sheet(rows).save(out / f"{name}.jpg", quality=QUALITY, optimize=True)
        print(out / f"{name}.jpg")


if __name__ == "__main__":
    main()
