"""The verb ``train``: from a folder of pictures to a run folder with a model."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ganvas.device import choose_device
from ganvas.errors import OutOfMemory, UsageError
from ganvas.events import Notice, Planned, Report, Warned, Wrote
from ganvas.job.carry import read_warmth
from ganvas.job.networks import Own, build_task, describe
from ganvas.job.pictures import data_record, list_unreadable, packed_pictures, refuse_other_labels, split
from ganvas.job.prepare import Plan, Request, make_plan
from ganvas.job.recipe import gather
from ganvas.job.resume import find_run, identity, plain, recorded_config, refuse_for_new_runs, with_changes
from ganvas.model.save import save_model
from ganvas.training.checkpoint import checkpoint_steps
from ganvas.training.distribute import World
from ganvas.training.lock import only_one
from ganvas.training.loop import Loop
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
    given = _given(request, options, own, origin)
    device = choose_device(request.device)
    world = World.join(device.type)
    if device.type == "cuda" and world.size > 1:
        device = torch.device("cuda", world.local_rank)
        torch.cuda.set_device(device)
    found, to_play = TrainResult(None, None, 0.0, None), False
    if world.leads:
        found, to_play = _prepare(request, given, device, world, own, report)
    folder = world.share(str(found.run) if to_play else "")
    if not folder:
        return found
    run = RunFolder(Path(folder))
    while True:
        try:
            state = _play(run, request, device, world, own, _logged(report, run, world), interrupted)
        except OutOfMemory as error:
            if not request.auto_batch or not _halve_micro_batch(run, report, error):
                raise
        else:
            return TrainResult(run.path, run.model, state.counters.seen_images / 1000, found.plan)


def _given(request: Request, options: Mapping[str, Any], own: Own, origin: str) -> dict[str, Any]:
    """The options that were given, checked against the request."""
    given = gather(options, request.preset, request.config, origin)
    if request.minutes is not None:
        if "kimg" in options:
            raise UsageError(f"--minutes is {request.minutes:g} and --kimg is {given['kimg']:g}; give one of them.")
        if request.minutes <= 0:
            raise UsageError(f"--minutes is {request.minutes:g}, but it must be above 0.")
        given.pop("kimg", None)  # a preset's or a file's
    for name, network in (("generator", own.generator), ("discriminator", own.discriminator)):
        if network is not None:
            given[name] = "custom"
            if own.task is not None:
                raise UsageError(f"A task of your own builds its networks itself; leave {name}= out.")
    if own.task is not None:
        given["network"] = "custom"
    if own.task is not None and request.start_from:
        raise UsageError("start_from= fills the networks of generation; a task of your own loads its weights itself.")
    return given


def _prepare(
    request: Request,
    given: Mapping[str, Any],
    device: torch.device,
    world: World,
    own: Own,
    report: Report,
) -> tuple[TrainResult, bool]:
    """The run to play, new or found; and whether there is something left to play."""
    only_new = {
        "minutes": request.minutes,
        "name": request.name,
        "start_from": str(request.start_from.resolve()) if request.start_from else None,
        "task": own.task.name if own.task else None,
    }
    asked = identity(request.pictures, given, only_new)
    found = find_run(request.runs, request.resume, asked)
    if found is not None and not request.dry_run:
        refuse_for_new_runs(found, only_new)
        return _go_on(found, request, given, report)
    if request.start_from:
        read_warmth(request.start_from)  # a wrong path shows before anything is measured
    plan = make_plan(request, given, device, world, own, report)
    report(Planned(plan.lines(), plan.to_dict()))
    if request.dry_run:
        return TrainResult(None, None, 0.0, plan), False
    dataset = packed_pictures(request, plan.config, report)  # may refuse, and then there is no run
    run = RunFolder.create(request.runs, request.name or request.pictures.resolve().stem)
    run.write_record(
        {
            "ganvas": version("ganvas"),
            "asked": asked,
            "config": {key: plain(value) for key, value in plan.config.flat().items()},
            "plan": {key: value for key, value in plan.to_dict().items() if key != "config"},
            "data": data_record(dataset),
            "device": str(device),
            "threads": torch.get_num_threads(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "started": _now(),
            "changes": [],
        }
    )
    for name, words in plan.lines():
        run.log(f"{name}: {words}")
    report(Notice(f"Run folder: {run.path}"))
    return TrainResult(run.path, run.model, 0.0, plan), True


def _go_on(run: RunFolder, request: Request, given: Mapping[str, Any], report: Report) -> tuple[TrainResult, bool]:
    """The run and whether its budget leaves something to play; what differs from its start is written down."""
    record = run.read_record()
    seen_kimg = (run.lines("stats.jsonl") or [{"seen_kimg": 0.0}])[-1]["seen_kimg"]
    config, changes = with_changes(recorded_config(record), given)
    result = TrainResult(run.path, run.model, seen_kimg, None)
    if record.get("finished_steps", 0) >= config.training.total_steps:
        report(
            Notice(
                f"'{run.path}' is finished with {seen_kimg:g} kimg; give a larger --kimg to train it further, or "
                "--resume never for a new run."
            )
        )
        return result, False
    data = data_record(packed_pictures(request, config, report))
    refuse_other_labels(run, record["data"], data)
    if data["key"] != record["data"]["key"]:
        report(
            Warned(
                f"The {data['pictures']} pictures are not the {record['data']['pictures']} that '{run.path}' was "
                "started with; it goes on with what is there now."
            )
        )
        changes["data"] = record["data"] = data
    for key, value in changes.items():
        if key != "data":
            report(Notice(f"{key} is now {value}; the change is on record in '{run.path / 'run.json'}'."))
    if changes:
        record["config"] = {key: plain(value) for key, value in config.flat().items()}
        noted = {key: plain(value) for key, value in changes.items()}
        record["changes"].append({"time": _now(), "after_kimg": seen_kimg, **noted})
        run.write_record(record)
    return result, True


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
    dataset = packed_pictures(request, config, report)
    if world.leads:
        list_unreadable(run, dataset, report)
    warmth = None
    if request.start_from and not checkpoint_steps(run.checkpoints):
        warmth = read_warmth(request.start_from, dataset.labels.names, lambda text: report(Notice(text)))
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
        data=split(dataset, config, device),
        options=config.training,
        run=run,
        device=device,
        world=world,
        report=report,
        export=export,
        interrupted=interrupted,
    )
    if not world.leads:
        return loop.play()
    with only_one(run.path):
        state = loop.play()
        run.write_record({**run.read_record(), "finished_steps": config.training.total_steps})
    report(Wrote("model", run.model))
    return state


def _halve_micro_batch(run: RunFolder, report: Report, error: OutOfMemory) -> bool:
    """Halve the micro-batch on record; False when it cannot be smaller."""
    record = run.read_record()
    smaller = record["config"]["micro_batch"] // 2
    if smaller < 1:
        return False
    record["config"]["micro_batch"] = smaller
    record["changes"].append({"time": _now(), "micro_batch": smaller, "why": str(error)})
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
