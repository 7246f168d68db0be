"""The verb ``train``: from a folder of pictures to a run folder with a model."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ganvas.data.batches import Batches
from ganvas.data.dataset import Dataset
from ganvas.data.labels import Labels, read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.sampler import split_heldout
from ganvas.data.source import open_source
from ganvas.device import choose_device
from ganvas.errors import OutOfMemory
from ganvas.events import Notice, Packing, Planned, Report, Warned, Wrote
from ganvas.job.carry import read_warmth
from ganvas.job.networks import Own, build_task, describe
from ganvas.job.prepare import Plan, Request, make_plan
from ganvas.job.recipe import gather
from ganvas.job.resume import find_run, identity, plain, recorded_config, with_changes
from ganvas.model.save import save_model
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.lock import only_one
from ganvas.training.loop import Data, Loop
from ganvas.training.run import RunFolder
from ganvas.training.state import TrainingState


@dataclass(frozen=True)
class TrainResult:
    """What came of a call of `train`.

    Attributes:
        run: The run folder; None after a dry run.
        model: The model file; None after a dry run.
        seen_kimg: Thousand images seen.
        plan: What was planned; None when an earlier run went on.
    """

    run: Path | None
    model: Path | None
    seen_kimg: float
    plan: Plan | None


def train(
    request: Request,
    options: Mapping[str, Any],
    *,
    report: Report = lambda event: None,
    interrupted: Callable[[], bool] = lambda: False,
    own: Own = Own(),
    origin: str = "the call",
) -> TrainResult:
    """Plan a run (or find the one to go on with) and train it to its end.

    Args:
        request: Which pictures, where to, resume or not.
        options: Options of the run by name; what is not given is planned.
        report: Told what happens.
        interrupted: Asked before every step whether to save and stop.
        own: Your own networks.
        origin: Where ``options`` come from, for errors.

    Raises:
        GanvasError: With a sentence that says what to do.
        KeyboardInterrupt: ``interrupted`` said yes; everything is saved.
    """
    given = gather(options, request.preset, request.config, origin)
    for name, network in (("generator", own.generator), ("discriminator", own.discriminator)):
        if network is not None:
            given[name] = "custom"
    device = choose_device(request.device)
    world = World.join(device.type)
    if device.type == "cuda" and world.size > 1:
        device = torch.device("cuda", world.local_rank)
        torch.cuda.set_device(device)
    plan, folder = None, ""
    if world.leads:
        plan, folder = _prepare(request, given, device, world, own, report)
    folder = world.share(folder)
    if not folder:
        return TrainResult(None, None, 0.0, plan)
    run = RunFolder(Path(folder))
    while True:
        try:
            state = _play(run, request, device, world, own, report, interrupted)
        except OutOfMemory as error:
            if not request.auto_batch or not _halve_micro_batch(run, report, error):
                raise
        else:
            return TrainResult(run.path, run.model, state.counters.seen_images / 1000, plan)


def _prepare(
    request: Request,
    given: Mapping[str, Any],
    device: torch.device,
    world: World,
    own: Own,
    report: Report,
) -> tuple[Plan | None, str]:
    """The plan of a new run and its folder; the folder alone for a run to go on with; no folder for a dry run."""
    extra = {
        "minutes": request.minutes,
        "name": request.name,
        "start_from": str(request.start_from.resolve()) if request.start_from else None,
    }
    asked = identity(request.pictures, given, extra)
    found = find_run(request.runs, request.resume, asked)
    if found is not None and not request.dry_run:
        _record_changes(found, given, report)
        return None, str(found.path)
    plan = make_plan(request, given, device, world, own, report)
    report(Planned(plan.lines(), plan.to_dict()))
    if request.dry_run:
        return plan, ""
    run = RunFolder.create(request.runs, request.name or request.pictures.stem)
    run.write_record(
        {
            "ganvas": version("ganvas"),
            "asked": asked,
            "config": {key: plain(value) for key, value in plan.config.flat().items()},
            "plan": {key: value for key, value in plan.to_dict().items() if key != "config"},
            "device": str(device),
            "threads": torch.get_num_threads(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "changes": [],
        }
    )
    report(Notice(f"Run folder: {run.path}"))
    return plan, str(run.path)


def _record_changes(run: RunFolder, given: Mapping[str, Any], report: Report) -> None:
    """Write down what differs at a resume."""
    record = run.read_record()
    config, changes = with_changes(recorded_config(record), given)
    if not changes:
        return
    record["config"] = {key: plain(value) for key, value in config.flat().items()}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    after_kimg = (run.lines("stats.jsonl") or [{"seen_kimg": 0}])[-1]["seen_kimg"]
    record["changes"].append({"time": when, "after_kimg": after_kimg, **{k: plain(v) for k, v in changes.items()}})
    run.write_record(record)
    for key, value in changes.items():
        report(Notice(f"{key} is now {value}; the change is on record in '{run.path / 'run.json'}'."))


def _play(
    run: RunFolder,
    request: Request,
    device: torch.device,
    world: World,
    own: Own,
    report: Report,
    interrupted: Callable[[], bool],
) -> TrainingState:
    record = run.read_record()
    config = recorded_config(record)
    if device.type == "cpu" and torch.get_num_threads() != record["threads"]:
        torch.set_num_threads(record["threads"])  # another number of threads gives other bits
    dataset = _pack(request, config, world, run, report)
    warmth = read_warmth(request.start_from, dataset.labels.names) if request.start_from else None
    task = build_task(config, dataset.labels, own, warmth)
    card = {
        "pictures": request.pictures.name,
        "picture_count": len(dataset),
        "data_key": dataset.key,
        "config": record["config"],
        "ganvas": record["ganvas"],
        "torch": record["versions"]["torch"],
        "started": record["started"],
    }

    def export(state: TrainingState, path: Path) -> None:
        seen_kimg = state.counters.seen_images / 1000
        hours = state.counters.elapsed_s / 3600
        facts = {**card, "seen_kimg": seen_kimg, "training_hours": round(hours, 3), "device": str(device)}
        described = describe(task, state.averages, config, dataset.labels, facts)
        save_model(path, described, state.averages, state.snapshots)

    loop = Loop(
        task=task,
        data=_split(dataset, config, device),
        options=config.training,
        run=run,
        device=device,
        world=world,
        report=_logged(report, run, world),
        export=export,
        interrupted=interrupted,
    )
    if not world.leads:
        return loop.play()
    with only_one(run.path):
        state = loop.play()
        for sentence in warmth.said.values() if warmth else ():
            report(Notice(sentence))
    report(Wrote("model", run.model))
    return state


def _pack(request: Request, config: TrainConfig, world: World, run: RunFolder, report: Report) -> Dataset:
    """The packed pictures; rank 0 packs, the others find them in the cache."""
    if not world.leads:
        world.wait()
    source = open_source(request.pictures)
    labels: Labels = read_labels(source, config.data.labels)
    form = Form(config.data.size, config.data.channels, config.data.fit)
    dataset = pack(
        source,
        form,
        labels,
        progress=lambda done, total: report(Packing(done, total)),
        notice=lambda text: report(Warned(text)),
    )
    if world.leads:
        world.wait()
        if dataset.unreadable:
            lines = "".join(f"{name}\t{reason}\n" for name, reason in dataset.unreadable)
            (run.path / "unreadable.txt").write_text(lines, encoding="utf-8")
            report(
                Warned(f"{len(dataset.unreadable)} pictures cannot be read; '{run.path}/unreadable.txt' lists them.")
            )
    return dataset


def _split(dataset: Dataset, config: TrainConfig, device: torch.device) -> Data:
    """Most pictures to train on, a few held out to see whether the discriminator learns them by heart."""
    training, heldout = split_heldout(len(dataset), config.training.seed)
    mirror, seed = config.data.mirror, config.training.seed
    return Data(
        Batches(dataset, training, seed, device, mirror),
        Batches(dataset, heldout, seed, device, mirror=False) if len(heldout) else None,
    )


def _halve_micro_batch(run: RunFolder, report: Report, error: OutOfMemory) -> bool:
    """Halve the micro-batch on record; False when it cannot be smaller."""
    record = run.read_record()
    smaller = record["config"]["micro_batch"] // 2
    if smaller < 1:
        return False
    record["config"]["micro_batch"] = smaller
    record["changes"].append({"micro_batch": smaller, "why": str(error)})
    run.write_record(record)
    report(Warned(f"Too little memory: going on with --micro-batch {smaller}."))
    return True


def _logged(report: Report, run: RunFolder, world: World) -> Report:
    """The same, also written to the run's log; only rank 0 speaks."""

    def tell(event: Any) -> None:
        if world.leads:
            if isinstance(event, (Notice, Warned)):
                run.log(event.text)
            report(event)

    return tell
