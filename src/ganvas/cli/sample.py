"""``ganvas sample``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli import show
from ganvas.errors import UsageError

MOST_CELLS = 10_000


def sample(
    model: Path,
    /,
    *,
    seeds: str = "0-15",
    grid: str | None = None,
    label: Annotated[str | None, Parameter(name=["--class"])] = None,
    attribute: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    format: Literal["png", "webp"] = "png",
    batch: int = 16,
    out: Path = Path("samples"),
    best: bool = False,
    mark: bool = True,
    recipe: bool = True,
    device: str = "auto",
    json: bool = False,
) -> None:
    """Paint pictures with a trained model.

    Parameters
    ----------
    model
        A model file, or a run folder.
    seeds
        Numbers and ranges such as 0-63,100; one picture each.
    grid
        Rows x columns of a contact sheet; without it, single pictures.
    label
        The class to paint; without it, each seed draws one.
    attribute
        An attribute's value, as name=number; may be repeated.
    format
        png, or lossless webp.
    batch
        Pictures painted at once; another one may round a few values in a hundred thousand to the next of 256 levels.
    out
        The folder to write to.
    best
        Use the run's best model, not its last.
    mark
        Say in each file that a network painted it (IPTC digital source type).
    recipe
        Write seed, label and the model's hash into each file.
    device
        auto, cpu, cuda, cuda:1 or mps.
    json
        Print one JSON object.
    """
    from ganvas.job.sample import SampleRequest, parse_seeds
    from ganvas.job.sample import sample as sample_job

    if label is not None and attribute:
        raise UsageError(f"--class is '{label}' and --attribute is given too; a model has one or the other.")
    request = SampleRequest(
        model=model,
        out=out,
        seeds=parse_seeds(seeds),
        grid=_cells(grid) if grid else None,
        label=_attributes(attribute) if attribute else label,
        format=format,
        batch=batch,
        best=best,
        mark=mark,
        recipe=recipe,
        device=device,
    )
    files = sample_job(request)
    if json:
        show.as_json({"files": [str(path) for path in files]})
    elif len(files) == 1:
        show.result(str(files[0]))
    else:
        show.result(f"{len(files)} pictures in {out}")


def _cells(text: str) -> tuple[int, int]:
    rows, cross, columns = text.lower().partition("x")
    sides_fit = all(side.isdecimal() and len(side) <= 5 for side in (rows, columns))
    if not (cross and sides_fit and 1 <= int(rows) * int(columns) <= MOST_CELLS):
        raise UsageError(f"--grid is '{text}', but it must be rows x columns such as 8x8, at most {MOST_CELLS} cells.")
    return int(rows), int(columns)


def _attributes(given: tuple[str, ...]) -> dict[str, float]:
    values: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        if name in values:
            raise UsageError(f"--attribute gives '{name}' twice; keep one of them.")
        try:
            values[name] = float(number)
        except ValueError as error:
            raise UsageError(f"--attribute is '{text}', but it must be name=number such as age=30.") from error
    return values
