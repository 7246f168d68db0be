"""What a run will be, and what it will cost, before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganvas.data.labels import Labels, read_labels
from ganvas.data.pack import too_many_unreadable
from ganvas.data.source import open_source
from ganvas.data.survey import survey
from ganvas.errors import DataError, OutOfMemory
from ganvas.events import Packing, Report
from ganvas.job.calibrate import Calibration, calibrate, kimg_for
from ganvas.job.carry import inherited
from ganvas.job.networks import Own, build_task
from ganvas.job.plan import LONGEST_SIDE_PX, Pictures, complete
from ganvas.job.resume import plain
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.memory import explained_memory
from ganvas.training.task import Task

MOST_BETWEEN_CHECKPOINTS_S = 900.0
"""What a power cut may cost."""


@dataclass(frozen=True)
class Request:
    """What a call of `train` asks for besides the options of the run itself.

    Attributes:
        pictures: A folder, zip, tar, idx file or ``.npy``.
        runs: The folder run folders are made in.
        name: Part of the run folder's name; the pictures' by default.
        resume: ``auto``, ``never`` or a run.
        start_from: A model file or run folder whose weights to begin with.
        preset: Name of a shipped preset.
        config: A TOML file of options.
        minutes: Budget in minutes, turned into kimg once.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        dry_run: Stop after the plan.
        auto_batch: Take smaller micro-batches when memory runs out.
    """

    pictures: Path
    runs: Path = Path("runs")
    name: str | None = None
    resume: str = "auto"
    start_from: Path | None = None
    preset: str | None = None
    config: Path | None = None
    minutes: float | None = None
    device: str = "auto"
    dry_run: bool = False
    auto_batch: bool = False


@dataclass(frozen=True)
class Plan:
    """A complete configuration and its predicted cost.

    Attributes:
        config: Every option.
        picture_count: Pictures found.
        labels: What labels were found, in words.
        parameters: Trained numbers a network.
        calibration: What was measured.
        device: Where it was measured.
    """

    config: TrainConfig
    picture_count: int
    labels: str
    parameters: Mapping[str, int]
    calibration: Calibration
    device: str

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        options = self.config.training
        return {
            "pictures": self.picture_count,
            "labels": self.labels,
            "device": self.device,
            "parameters": dict(self.parameters),
            "images_per_s": round(options.images_per_step / self.calibration.step_s, 1),
            "predicted_s": round(self.calibration.run_s(self.config), 1),
            "predicted_memory_bytes": self.calibration.memory_bytes,
            "predicted_disk_bytes": (options.keep_last + 1) * self.calibration.state_bytes,
            "config": {key: plain(value) for key, value in self.config.flat().items()},
        }

    def lines(self) -> list[tuple[str, str]]:
        """The plan as pairs of words for a person."""
        data, networks, options = self.config.data, self.config.network, self.config.training
        cost, memory = self.calibration, self.calibration.memory_bytes
        height, width = data.size
        names = dict.fromkeys((networks.generator, networks.discriminator))
        shown = " and ".join("your own" if name == "custom" else f"{name}, width {networks.width}" for name in names)
        sizes = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in self.parameters.items())
        accumulate = "" if options.micro_batch >= options.batch else f" in parts of {options.micro_batch}"
        augment = f", augmentation {','.join(options.augment)} ({options.augment_policy})" if options.augment else ""
        return [
            ("pictures", f"{self.picture_count}, {self.labels}"),
            ("shape", f"{height}x{width}, {data.channels} channel{'s' * (data.channels > 1)}, {data.fit}"),
            ("networks", f"{shown} ({sizes})"),
            (
                "game",
                f"{options.loss}, {options.penalty} ({options.estimator}), "
                f"gamma {options.gamma:g} to {options.gamma_final:g}{augment}",
            ),
            (
                "steps",
                f"batch {options.batch}{accumulate}, lr {options.lr:g} to {options.lr_final:g}, "
                f"{options.precision} on {self.device}",
            ),
            ("budget", f"{options.kimg:g} kimg: {duration(cost.run_s(self.config))}"),
            ("speed", f"{options.images_per_step / cost.step_s:.0f} images a second"),
            ("memory", "unknown on this system" if memory is None else f"{memory / 1e9:.1f} GB"),
            ("disk", f"{(options.keep_last + 1) * cost.state_bytes / 1e6:.0f} MB of checkpoints"),
        ]


def make_plan(
    request: Request,
    given: Mapping[str, Any],
    device: torch.device,
    world: World,
    own: Own,
    report: Report,
) -> Plan:
    """Look at the pictures, fill in what was not given, and measure a few steps.

    Raises:
        DataError: The pictures cannot be used.
        UsageError: The options do not fit each other.
        OutOfMemory: Not even the calibration fits.
    """
    pictures, labels = _look_over(request, given, device, report)
    if request.start_from is not None:
        given = {**given, **inherited(request.start_from, given, given.get("size", pictures.size))}
    config = complete(given, pictures, device)
    task = build_task(config, labels, own)
    with torch.random.fork_rng(devices=[]), torch.device("meta" if own == Own() else "cpu"):
        parameters = parameter_counts(task.players().networks())
    config, measured = _measure(request, config, task, pictures, device, world)
    frozen: dict[str, Any] = {"micro_batch": config.training.micro_batch}
    if request.minutes is not None:
        frozen["kimg"] = kimg_for(request.minutes, measured, config)
    config = complete({**given, **frozen}, pictures, device)
    if "checkpoint_every_kimg" not in given:
        most_kimg = MOST_BETWEEN_CHECKPOINTS_S / measured.step_s * config.training.images_per_step / 1000
        frozen["checkpoint_every_kimg"] = min(config.training.checkpoint_every_kimg, most_kimg)
        config = complete({**given, **frozen}, pictures, device)
    return Plan(config, pictures.count, f"{labels.kind} labels ({labels.origin})", parameters, measured, str(device))


def _look_over(
    request: Request, given: Mapping[str, Any], device: torch.device, report: Report
) -> tuple[Pictures, Labels]:
    """The facts of the pictures, from their headers."""
    source = open_source(request.pictures)
    labels = read_labels(source, given.get("labels", "auto"))
    found = survey(source, lambda done, total: report(Packing(done, total)))
    if too_many_unreadable(len(found.unreadable), found.listed):
        raise DataError(
            f"{len(found.unreadable)} of {found.listed} pictures in '{request.pictures}' cannot be read, and a run "
            f"bears 5 %; 'ganvas check {request.pictures}' says what is wrong with each."
        )
    pictures = Pictures(
        count=found.readable,
        size=found.suggested_size(LONGEST_SIDE_PX.get(device.type, 64)),
        channels=next(iter(found.channels)),
        label_dim=len(labels.names),
        classes=len(labels.names) if labels.kind == "class" else 0,
    )
    return pictures, labels


def _measure(
    request: Request, config: TrainConfig, task: Task, pictures: Pictures, device: torch.device, world: World
) -> tuple[TrainConfig, Calibration]:
    """What a step costs; with ``--auto-batch``, in the largest micro-batch that fits."""
    while True:
        try:
            with explained_memory(config.training, device, world):
                return config, calibrate(task, config, pictures.label_dim, device, World())
        except OutOfMemory:
            smaller = config.training.micro_batch // 2
            if not request.auto_batch or not smaller:
                raise
            config = replace(config, training=replace(config.training, micro_batch=smaller))


def parameter_counts(networks: Mapping[str, nn.Module]) -> dict[str, int]:
    """Trained numbers a network."""
    return {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}


def duration(seconds: float) -> str:
    """Seconds in the words of a person."""
    if seconds < 90:
        return f"about {seconds:.0f} seconds"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"
