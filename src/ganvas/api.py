"""The same verbs from Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import nn

from ganvas.events import Report
from ganvas.job.check import CheckReport
from ganvas.job.check import check as check_job
from ganvas.job.evaluate import EvaluateRequest
from ganvas.job.evaluate import evaluate as evaluate_job
from ganvas.job.networks import Own
from ganvas.job.prepare import Plan, Request
from ganvas.job.sample import model_file
from ganvas.job.train import TrainResult
from ganvas.job.train import plan as plan_job
from ganvas.job.train import train as train_job
from ganvas.job.write_evaluation import Evaluation
from ganvas.model.load import load_model
from ganvas.model.model import Model
from ganvas.training.task import Task


def train(
    pictures: str | Path,
    *,
    runs: str | Path = "runs",
    name: str | None = None,
    preset: str | None = None,
    config: str | Path | None = None,
    minutes: float | None = None,
    resume: str = "auto",
    start_from: str | Path | None = None,
    device: str = "auto",
    auto_batch: bool = False,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    task: Task | str | None = None,
    report: Report = lambda event: None,
    **options: Any,
) -> TrainResult:
    """Train a generator on pictures, or go on with the run the same call started.

    Args:
        pictures: A folder, zip, tar, idx file or ``.npy``.
        runs: The folder run folders are made in.
        name: Part of the run folder's name.
        preset: A shipped recipe.
        config: A TOML file of options.
        minutes: Budget in minutes from the run's beginning, turned into kimg by the speed measured at the start.
        resume: ``auto``, ``never`` or a run.
        start_from: A model file or run folder whose weights to begin with.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        auto_batch: Take smaller parts of the batch when memory runs out.
        generator: Your own generator: ``(latents (N, Z)[, condition (N, K)]) -> images (N, C, H, W)`` in [-1, 1].
        discriminator: Your own discriminator: ``(images[, condition]) -> ganvas.Judgement``.
        task: ``generate``, ``repair``, ``restore``, ``upscale`` or ``find-scratches``, or a task of your own.
        report: Called with every event (`ganvas.events`).
        options: Options of the run by name, as on the command line: ``kimg=500, loss="hinge"``.

    Returns:
        The run folder, the model file, how much was seen, and the plan.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = Request(
        pictures=Path(pictures),
        runs=Path(runs),
        name=name,
        resume=resume,
        start_from=Path(start_from) if start_from else None,
        preset=preset,
        config=Path(config) if config else None,
        minutes=minutes,
        device=device,
        auto_batch=auto_batch,
    )
    own, options = _own(generator, discriminator, task, options)
    return train_job(request, options, report=report, own=own)


def plan(
    pictures: str | Path,
    *,
    preset: str | None = None,
    config: str | Path | None = None,
    minutes: float | None = None,
    start_from: str | Path | None = None,
    device: str = "auto",
    auto_batch: bool = False,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    task: Task | str | None = None,
    report: Report = lambda event: None,
    **options: Any,
) -> Plan:
    """What a new run of `train` would be and cost, by a few steps measured on this machine; nothing is written.

    Arguments are those of `train`.

    Returns:
        Every option, and the predicted time, memory and disk; ``lines()`` says it in words.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = Request(
        pictures=Path(pictures),
        start_from=Path(start_from) if start_from else None,
        preset=preset,
        config=Path(config) if config else None,
        minutes=minutes,
        device=device,
        auto_batch=auto_batch,
    )
    own, options = _own(generator, discriminator, task, options)
    return plan_job(request, options, report=report, own=own)


def _own(
    generator: nn.Module | None, discriminator: nn.Module | None, task: Task | str | None, options: Mapping[str, Any]
) -> tuple[Own, dict[str, Any]]:
    """What was passed as objects, and the options, the name of a task among them."""
    if isinstance(task, str):
        return Own(generator, discriminator), {**options, "task": task}
    return Own(generator, discriminator, task), dict(options)


def load(
    path: str | Path,
    *,
    device: str = "auto",
    generators: Mapping[str, nn.Module] | None = None,
    snapshot: str | None = None,
) -> Model:
    """Load a trained model; nothing in the file is executed.

    Args:
        path: A model file a run wrote, or the run's folder.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        generators: Your own networks by name, for a model trained with them.
        snapshot: Name of a snapshot to use in place of the final weights.
    """
    return load_model(model_file(Path(path)), device=device, generators=generators, snapshot=snapshot)


def evaluate(
    subject: str | Path,
    data: str | Path | None = None,
    *,
    features: str = "auto",
    weights: str | Path | None = None,
    allow_download: bool = False,
    protocol: str = "ganvas",
    count: int | None = None,
    seed: int = 0,
    labels: str | None = None,
    best: bool = False,
    groups: int = 20,
    batch: int = 32,
    precision: Literal["float32", "bfloat16"] = "float32",
    out: str | Path = "evaluation",
    device: str = "auto",
    report: Report = lambda event: None,
) -> Evaluation:
    """Measure a generator: scores with their errors, what chance alone gives, and what was copied.

    Args:
        subject: A run folder, a model file, or pictures: a folder, zip, tar, idx file or ``.npy``.
        data: The real pictures; a run's own ones where it is None.
        features: The feature network, or ``auto``: the best one whose weights are installed.
        weights: File of its weights.
        allow_download: Fetch weights that are missing.
        protocol: Whose resize, range and covariance to follow (`ganvas.metric.protocol.PROTOCOLS`).
        count: Pictures a model paints; as many as there are reals, from 2,000 to 10,000, where it is None.
        seed: First seed of what a model paints; also of groups and splits.
        labels: Where the reals' labels are, as for `train`.
        best: Take a run's best model, not its last.
        groups: Groups of the jackknife that gives the errors.
        batch: Pictures the feature network sees at once.
        precision: Of the feature network.
        out: The folder for the JSON file and the page.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        report: Called with every event (`ganvas.events`).

    Returns:
        Scores, stamp, warnings, and where both files are.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = EvaluateRequest(
        subject=Path(subject),
        data=Path(data) if data else None,
        features=features,
        weights=Path(weights) if weights else None,
        allow_download=allow_download,
        protocol=protocol,
        count=count,
        seed=seed,
        labels=labels,
        best=best,
        groups=groups,
        batch=batch,
        precision=precision,
        out=Path(out),
        device=device,
    )
    return evaluate_job(request, report=report)


def check(pictures: str | Path, *, labels: str = "auto") -> CheckReport:
    """Look over a set of pictures; see `CheckReport` for what is found."""
    return check_job(Path(pictures), labels)
