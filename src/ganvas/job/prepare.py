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
from ganvas.device import memory_bytes
from ganvas.errors import DataError, OutOfMemory
from ganvas.events import Packing, Report
from ganvas.job.calibrate import Calibration, calibrate, checkpoints_kept, kimg_for
from ganvas.job.carry import inherited
from ganvas.job.networks import Own, build_task
from ganvas.job.photo_networks import equipped
from ganvas.job.photo_plan import NO_CRITIC, TILE
from ganvas.job.plan import LONGEST_SIDE_PX, Pictures, complete
from ganvas.job.resume import plain
from ganvas.job.score_model import FeatureScore, made_up_score
from ganvas.job.task_options import GENERATE, PHOTO
from ganvas.job.weights import get_network
from ganvas.task.generate import Generation
from ganvas.training.aim import Aim
from ganvas.training.check import check_scores, check_task
from ganvas.training.compiled import require_compiler
from ganvas.training.config import TrainConfig, TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.journal import require_tensorboard
from ganvas.training.memory import explained_memory, rows_at_once, smaller_micro_batch
from ganvas.training.task import Task
from ganvas.training.vitals import OWN_SCORE

MOST_LOST_S, MOST_LOST_OF_PHOTOS_S = 900.0, 120.0
"""What a power cut may cost; less of a run on photographs, whose networks are small and soon written."""
SCORING_SHARE = 0.1
"""How much of the time of its steps a run spends on looks of a feature network, unless told how often."""
MEMORY_SHARE = 0.8
"""How much of the memory that is free a plan may fill: other programs grow, too."""
KINDS_OF_LABELS = {"none": "no", "class": "class", "attributes": "attribute"}
WORTH_HALVING = 0.95
"""A smaller micro-batch is taken if it needs at most this share of the memory: weights stay as large as they are."""


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
        minutes: Budget in minutes, from the run's beginning; turned into kimg by the speed that was measured.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
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
        free_bytes: Memory that was free for this process before.
        parts_for_memory: Whether the micro-batch was made smaller than the batch to fit the memory.
    """

    config: TrainConfig
    picture_count: int
    labels: str
    parameters: Mapping[str, int]
    calibration: Calibration
    device: str
    free_bytes: int
    parts_for_memory: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        options = self.config.training
        return {
            "pictures": self.picture_count,
            "labels": self.labels,
            "device": self.device,
            "parameters": dict(self.parameters),
            "images_per_s": round(options.images_per_step / self.calibration.step_s, 1),
            "kimg": options.kimg,
            "predicted_s": float(f"{self.calibration.run_s(self.config):.4g}"),
            "predicted_scoring_s": float(f"{self.calibration.scoring_s(self.config):.4g}"),
            "predicted_memory_bytes": self.calibration.memory_bytes,
            "free_memory_bytes": self.free_bytes,
            "predicted_disk_bytes": self.calibration.disk_bytes(self.config),
            "config": {key: plain(value) for key, value in self.config.flat().items()},
        }

    def lines(self) -> list[tuple[str, str]]:
        """The plan as pairs of words for a person."""
        data, networks, options = self.config.data, self.config.network, self.config.training
        cost, memory = self.calibration, self.calibration.memory_bytes
        height, width = data.size
        names = dict.fromkeys((networks.generator, networks.discriminator))
        shown = " and ".join("your own" if name == "custom" else f"{name}, width {networks.width}" for name in names)
        shape = f"{height}x{width}, {data.channels} channel{'s' * (data.channels > 1)}, {data.fit}"
        if data.fit == "tiles":
            shown = f"{networks.generator}, width {networks.width}"
            shape = f"crops of {height}x{width} from tiles of {TILE * height}x{TILE * width}"
        sizes = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in self.parameters.items())
        accumulate = "" if options.micro_batch >= options.batch else f" in parts of {options.micro_batch}"
        accumulate += ", to fit the memory" if self.parts_for_memory else ""
        scoring_s = cost.scoring_s(self.config)
        scoring = f", {duration(scoring_s)} of them for scores by {options.features}" if scoring_s else ""
        free = f" of the {self.free_bytes / 1e9:.1f} GB that are free"
        return [
            ("pictures", f"{self.picture_count}, {self.labels}"),
            ("shape", shape),
            ("networks", f"{shown} ({sizes})"),
            ("game", photo_game(self.config) if data.fit == "tiles" else game(options)),
            (
                "steps",
                f"batch {options.batch}{accumulate}, lr {options.lr:g} to {options.lr_final:g}, "
                f"{options.precision} on {self.device}",
            ),
            ("budget", f"{options.kimg:g} kimg: {duration(cost.run_s(self.config))}{scoring}"),
            ("speed", f"{options.images_per_step / cost.step_s:.0f} images a second"),
            ("memory", "unknown on this system" if memory is None else f"{memory / 1e9:.1f} GB{free}"),
            (
                "disk",
                f"{cost.disk_bytes(self.config) / 1e6:.0f} MB: {checkpoints_kept(options)} checkpoints and two models",
            ),
        ]


def game(options: TrainingOptions) -> str:
    """Loss, penalty and augmentation in words, with the numbers that play a part."""
    falls = "" if options.gamma_final == options.gamma else f" to {options.gamma_final:g}"
    gamma = f"gamma {options.gamma:g}{falls}"
    penalty = {
        "none": "no penalty",
        "clip": f"weights clipped to {options.clip_limit:g}",
        "wgan-gp": f"wgan-gp, {gamma}",
    }.get(options.penalty, f"{options.penalty} ({options.estimator}), {gamma}")
    augment = f", augmentation {','.join(options.augment)} ({options.augment_policy})" if options.augment else ""
    return f"{options.loss}, {penalty}{augment}"


def photo_game(config: TrainConfig) -> str:
    """The stages of a task on photographs in words."""
    task = config.task
    if config.network.discriminator == NO_CRITIC:
        return f"{task.kind}, without a critic"
    return f"{task.kind}, {task.pixel_share:.0%} of the budget pixels, then a patch critic: {game(config.training)}"


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
    require_tensorboard(config.training)
    require_compiler(config.training, device)
    task = equipped(build_task(config, labels, own), config, device, report)
    with torch.random.fork_rng(devices=[]), torch.device("meta" if own == Own() else "cpu"):
        players = task.players()
        check_task(task, players, config.training)
        parameters = parameter_counts(players.networks())
    free_bytes = memory_bytes(device) // (world.size if device.type == "cpu" else 1)  # processes share a machine's
    planned_rows = rows_at_once(config.training, world)
    score = None
    if isinstance(task, Generation):
        if config.training.features != "random":
            network = get_network(config.training.features, None, False, device, report)
            score = made_up_score(network, config, pictures.label_dim, pictures.count, device)
        names = {OWN_SCORE, *(score.names if score else ())}
        check_scores(names, Aim.parse(config.training.best_by), task.stages)
    config, measured = _measure(request, given, config, task, pictures, device, world, free_bytes, score)
    frozen = dict(given)
    if request.minutes is not None:
        frozen["batch"] = config.training.batch
        short = complete(
            {**given, "kimg": _kimg(request.minutes, frozen, pictures, device, measured)}, pictures, device
        )
        if short.training.batch != config.training.batch:  # whose images cost more
            frozen["batch"], planned_rows = short.training.batch, rows_at_once(short.training, world)
            config, measured = _measure(request, given, short, task, pictures, device, world, free_bytes, score)
        frozen["kimg"] = _kimg(request.minutes, frozen, pictures, device, measured)
    frozen["micro_batch"] = config.training.micro_batch
    config = _paced(frozen, pictures, device, measured)
    return Plan(
        config=config,
        picture_count=pictures.count,
        labels=f"{KINDS_OF_LABELS[labels.kind]} labels ({labels.origin})",
        parameters=parameters,
        calibration=measured,
        device=str(device),
        free_bytes=free_bytes,
        parts_for_memory=rows_at_once(config.training, world) < planned_rows,
    )


def _kimg(
    minutes: float, given: Mapping[str, Any], pictures: Pictures, device: torch.device, cost: Calibration
) -> float:
    """The budget that fills so many minutes at the cost of the batch given."""
    return kimg_for(minutes, cost, lambda kimg: _paced({**given, "kimg": kimg}, pictures, device, cost))


def _paced(given: Mapping[str, Any], pictures: Pictures, device: torch.device, cost: Calibration) -> TrainConfig:
    """The whole run; its checkpoints so often that a power cut, and its scores so seldom that they, cost little."""
    options, paces = complete(given, pictures, device).training, dict[str, float]()
    kimg_a_second = options.images_per_step / 1000 / cost.step_s
    if "checkpoint_every_kimg" not in given:
        most_s = MOST_LOST_OF_PHOTOS_S if given.get("kind", GENERATE) in PHOTO else MOST_LOST_S
        paces["checkpoint_every_kimg"] = min(options.checkpoint_every_kimg, most_s * kimg_a_second)
    if "evaluate_every_kimg" not in given:
        least = cost.score_s / SCORING_SHARE * kimg_a_second
        paces["evaluate_every_kimg"] = max(min(options.evaluate_every_kimg, MOST_LOST_S * kimg_a_second), least)
    return complete({**given, **paces}, pictures, device)


def _look_over(
    request: Request, given: Mapping[str, Any], device: torch.device, report: Report
) -> tuple[Pictures, Labels]:
    """The facts of the pictures, from their headers."""
    source = open_source(request.pictures)
    photographs = given.get("kind", GENERATE) in PHOTO
    labels = read_labels(source, "none" if photographs else given.get("labels", "auto"))
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
        short_px=found.usual_short_px(),
    )
    return pictures, labels


def _measure(
    request: Request,
    given: Mapping[str, Any],
    config: TrainConfig,
    task: Task,
    pictures: Pictures,
    device: torch.device,
    world: World,
    free_bytes: int,
    score: FeatureScore | None,
) -> tuple[TrainConfig, Calibration]:
    """What a step costs; where nobody chose the micro-batch, the largest half, quarter... that fits the memory.

    A micro-batch that somebody chose is made smaller with ``--auto-batch`` alone, and only when memory really runs out.
    """
    chosen = "micro_batch" in given
    found: tuple[TrainConfig, Calibration] | None = None
    while True:
        smaller = smaller_micro_batch(config.training, world)
        try:
            with explained_memory(config.training, device, world):
                cost = calibrate(task, config, pictures.label_dim, device, world, score)
        except OutOfMemory:
            if not smaller or (chosen and not request.auto_batch):
                raise
        else:
            if found is not None and not _saves(cost, found[1]):
                return found
            if chosen or not smaller or not _too_large(cost, free_bytes):
                return config, cost
            found = config, cost
        config = replace(config, training=replace(config.training, micro_batch=smaller))


def _too_large(cost: Calibration, free_bytes: int) -> bool:
    return cost.memory_bytes is not None and cost.memory_bytes > MEMORY_SHARE * free_bytes


def _saves(cost: Calibration, before: Calibration) -> bool:
    """Whether memory became smaller; on a Mac the peak of a process cannot be measured anew."""
    assert cost.memory_bytes is not None
    assert before.memory_bytes is not None
    return cost.memory_bytes <= WORTH_HALVING * before.memory_bytes


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
