"""``ganvas evaluate``."""

from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli import show
from ganvas.cli.progress import TrainingProgress
from ganvas.errors import UsageError

TOLD = {
    "scores": "scores",
    "pairs": "--pairs",
    "stacked": "--modes stacked",
    "ring": "--modes ring",
    "grid": "--modes grid",
}
WEIGHTS = {"features", "weights", "allow_download"}
POINTS = {"subject", "modes", "json"}
USED: dict[str, set[str]] = {
    "ring": POINTS,
    "grid": POINTS,
    "stacked": {*POINTS, "data", "count", "seed", "best", "device"},
    "pairs": {"subject", "data", *WEIGHTS, "pairs", "border", "out", "device", "json"},
    "scores": {
        "subject", "data", *WEIGHTS, "protocol", "count", "seed", "labels", "best", "groups", "batch", "precision",
        "out", "device", "json",
    },
}  # fmt: skip
"""What each kind of evaluation looks at; anything else is refused, so that no option does nothing."""


def evaluate(
    subject: Path,
    /,
    *,
    data: Path | None = None,
    features: Literal["auto", "inception-v3", "efficientnet-lite0", "mobilenet-v2", "classifier", "random"] = "auto",
    weights: Path | None = None,
    allow_download: Annotated[bool, Parameter(negative="")] = False,
    protocol: Literal["ganvas", "clean", "pytorch-fid", "stylegan", "tf"] = "ganvas",
    count: int | None = None,
    seed: int = 0,
    labels: str | None = None,
    best: bool = False,
    modes: Literal["stacked", "ring", "grid"] | None = None,
    pairs: Annotated[bool, Parameter(negative="")] = False,
    border: int = 0,
    groups: int = 20,
    batch: int = 32,
    precision: Literal["float32", "bfloat16"] = "float32",
    out: Path = Path("evaluation"),
    device: str = "auto",
    json: bool = False,
) -> None:
    """Measure a generator: scores with their errors, what chance gives, and what was copied.

    Parameters
    ----------
    subject
        A run folder, a model file, or pictures: a folder, zip, tar, idx file or .npy.
    data
        The real pictures; a run's own ones if not given.
    features
        The network that looks at pictures; auto takes the best whose weights are installed.
    weights
        The file of its weights.
    allow_download
        Fetch weights that are missing (the only thing ganvas ever downloads), and check their SHA-256.
    protocol
        Whose resize, range and covariance to follow.
    count
        Pictures a model paints; as many as there are reals, from 2,000 to 10,000, if not given.
    seed
        The first seed of what a model paints, and the seed of groups and splits.
    labels
        Where the reals' labels are, as for train.
    best
        Take the run's best model, not its last.
    modes
        Count modes: of stacked digits (--data holds labelled digits), or of points in a .npy on a ring or grid.
    pairs
        Compare each picture with the one of the same name in --data: PSNR, SSIM and distance in features.
    border
        Pixels that PSNR and SSIM of --pairs leave out on each side.
    groups
        Groups of the jackknife that gives the errors.
    batch
        Pictures the network sees at once.
    precision
        float32, or bfloat16 for the network's inner layers; scores of the two are not comparable.
    out
        The folder for the page and the JSON file.
    device
        auto, cpu, cuda, cuda:1 or mps.
    json
        Print one JSON object; notices go to standard error.
    """
    given = dict(locals())
    if modes is not None and pairs:
        raise UsageError(f"--modes is '{modes}' and --pairs is given too; choose one of them.")
    for name, parameter in signature(evaluate).parameters.items():
        how = modes or ("pairs" if pairs else "scores")
        if name not in USED[how] and given[name] != parameter.default:
            flag = f"--{name.replace('_', '-')}"
            said = "given" if given[name] is True else given[name]
            raise UsageError(f"{flag} is {said}, but it plays no part in {TOLD[how]}; leave it out.")
    if modes is not None:
        _count_modes(subject, data, modes, count, seed, best, device, json)
        return
    if pairs:
        _compare_pairs(subject, data, features, weights, allow_download, border, out, device, json)
        return
    from ganvas.job.evaluate import EvaluateRequest
    from ganvas.job.evaluate import evaluate as evaluate_job

    request = EvaluateRequest(
        subject=subject,
        data=data,
        features=features,
        weights=weights,
        allow_download=allow_download,
        protocol=protocol,
        count=count,
        seed=seed,
        labels=labels,
        best=best,
        groups=groups,
        batch=batch,
        precision=precision,
        out=out,
        device=device,
    )
    with TrainingProgress(quiet=json) as progress:
        done = evaluate_job(request, report=progress)
    if json:
        show.as_json(done.to_dict())
        return
    rows = [("score", "value", "corrected", "floor", "better")]
    for score in done.result.scores:
        corrected, floor = _number(score.corrected), _number(done.result.floors.get(score.name))
        rows.append((score.name, _measured(score.value, score.error), corrected, floor, score.better))
    show.table(rows)
    show.result("")
    for score in done.result.scores:
        if score.note:
            show.result(f"{score.name}: {score.note}")
    found = done.memorised
    alike = f"that look like another one: {found['fakes_alike']}; reals that do: {found['reals_alike']}"
    show.result(f"Fakes that are copies of reals: {found['copies']}; {alike}.")
    show.result(f"Page:   {done.page}\nResult: {done.file}")


def _count_modes(
    subject: Path,
    data: Path | None,
    modes: Literal["stacked", "ring", "grid"],
    count: int | None,
    seed: int,
    best: bool,
    device: str,
    json: bool,
) -> None:
    from ganvas.job.count_modes import count_points, count_stacked

    if modes != "stacked":
        found = count_points(subject, modes)
    elif data is None:
        raise UsageError("--modes is 'stacked' and --data is not given; it must hold labelled digits to learn to read.")
    else:
        with TrainingProgress(quiet=json) as progress:
            found = count_stacked(
                subject, data, count=count, first_seed=seed, best=best, device=device, report=progress
            )
    if json:
        show.as_json(found.to_dict())
        return
    kl, floor = _number(found.count.kl_nats), _number(found.count.floor_nats)
    lines = [
        ("modes", f"{found.count.modes_found} of {found.modes}"),
        ("KL(generated || uniform)", f"{kl} nats; a perfect generator scores about {floor} by counting noise alone"),
        ("samples", str(found.samples)),
    ]
    if found.within is not None:
        lines.append(("within 3 deviations", f"{found.within:.1%}"))
    show.pairs(lines)


def _compare_pairs(
    outputs: Path,
    targets: Path | None,
    features: str,
    weights: Path | None,
    allow_download: bool,
    border_px: int,
    out: Path,
    device: str,
    json: bool,
) -> None:
    from ganvas.job.evaluate_pairs import evaluate_pairs

    if targets is None:
        raise UsageError("--pairs is given and --data is not; it must hold a target of the same name for each picture.")
    with TrainingProgress(quiet=json) as progress:
        found = evaluate_pairs(
            outputs,
            targets,
            features=features,
            weights=weights,
            allow_download=allow_download,
            border_px=border_px,
            out=out,
            device=device,
            report=progress,
        )
    if json:
        show.as_json(found.to_dict())
        return
    rows = [("score", "mean", "worst tenth", "better")]
    for score in found.scores:
        rows.append(
            (score.name, _measured(score.value, score.error), _number(found.worst.get(score.name)), score.better)
        )
    show.table(rows)
    for score in found.scores:
        if score.note:
            show.result(f"{score.name}: {score.note}")
    show.result(f"Each pair: {found.file}")


def _measured(value: float, error: float | None) -> str:
    return _number(value) if error is None else f"{value:.4g} ± {error:.2g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
