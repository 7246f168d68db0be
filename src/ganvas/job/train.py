"""The verb ``train``: from a folder of pictures to a run folder with a model."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from ganvas.device import choose_device
from ganvas.errors import OutOfMemory, UsageError
from ganvas.events import Notice, Planned, Report, Warned, Wrote
from ganvas.job.begin import Call, begin, seen_kimg
from ganvas.job.carry import read_warmth
from ganvas.job.networks import Own, build_task, describe
from ganvas.job.photo_networks import equipped
from ganvas.job.pictures import list_unreadable, packed_pictures, split, training_rows
from ganvas.job.prepare import Plan, Request, make_plan
from ganvas.job.recipe import gather
from ganvas.job.resume import note_change, recorded_config
from ganvas.job.run_page import write_run_page
from ganvas.job.score_model import feature_score
from ganvas.job.task_options import GENERATE, refuse_meaningless
from ganvas.job.weights import get_network
from ganvas.model.save import save_model
from ganvas.task.generate import Generation
from ganvas.training.checkpoint import checkpoint_steps
from ganvas.training.distribute import World
from ganvas.training.loop import Loop
from ganvas.training.memory import smaller_micro_batch
from ganvas.training.run import RunFolder
from ganvas.training.state import TrainingState

MOST_MINUTES = 365 * 24 * 60
"""A year; whoever asks for more has mistyped it."""


@dataclass(frozen=True)
class TrainResult:
    """What came of a call of `train`.

    Attributes:
        run: The run folder.
        model: The model file.
        seen_kimg: Thousand images seen.
        plan: What was planned; None when an earlier run went on.
        task: Name of the built-in task.
    """

    run: Path
    model: Path
    seen_kimg: float
    plan: Plan | None
    task: str = GENERATE


def train(
    request: Request,
    options: Mapping[str, Any],
    *,
    report: Report = lambda event: None,
    interrupted: Callable[[], bool] = lambda: False,
    own: Own = Own(),
    origin: str = "the call",
    command: str = "the call",
) -> TrainResult:
    """Plan a run (or find the one to go on with) and train it to its end.

    Args:
        request: Which pictures, where to, resume or not.
        options: Options of the run by name; what is not given is planned.
        report: Told what happens.
        interrupted: Asked before every step whether to save and stop.
        own: Your own networks.
        origin: Where ``options`` come from, for errors.
        command: The words the run was asked for with, for its record.

    Raises:
        GanvasError: With a sentence that says what to do.
        KeyboardInterrupt: ``interrupted`` said yes; everything is saved.
    """
    call = Call(request, _given(request, options, own, origin), own, command)
    device = choose_device(request.device)
    world = World.join(device.type)
    if device.type == "cuda" and world.size > 1:
        device = torch.device("cuda", world.local_rank)
        torch.cuda.set_device(device)
    with ExitStack() as held:
        begun = begin(call, device, world, report, held) if world.leads else None
        run = RunFolder(Path(world.share(str(begun.run.path) if begun else "")))
        to_play = world.share("yes" if begun and begun.to_play else "")
        plan = begun.plan if begun else None
        while to_play:
            try:
                state = _play(run, request, device, world, own, _logged(report, run, world), interrupted)
            except OutOfMemory as error:
                if not request.auto_batch or world.size > 1 or not _halve_micro_batch(run, world, report, error):
                    raise  # of several processes others may still be at work
            else:
                return TrainResult(run.path, run.model, state.counters.seen_images / 1000, plan, call.task)
        return TrainResult(run.path, run.model, seen_kimg(run), plan, call.task)


def plan(
    request: Request,
    options: Mapping[str, Any],
    *,
    report: Report = lambda event: None,
    own: Own = Own(),
    origin: str = "the call",
) -> Plan:
    """What a new run would be, and what it would cost; nothing is written.

    Args:
        request: Which pictures; where to and which run to resume play no part.
        options: Options of the run by name; what is not given is planned.
        report: Told what happens.
        own: Your own networks.
        origin: Where ``options`` come from, for errors.

    Raises:
        GanvasError: With a sentence that says what to do.
    """
    given = _given(request, options, own, origin)
    device = choose_device(request.device)
    if request.start_from:
        read_warmth(request.start_from)
    world = World(size=int(os.environ.get("WORLD_SIZE", "1")))  # one of those that torchrun starts plans for all
    found = make_plan(request, given, device, world, own, report)
    report(Planned(found.lines(), found.to_dict()))
    return found


def _given(request: Request, options: Mapping[str, Any], own: Own, origin: str) -> dict[str, Any]:
    """The options that were given, checked against the request."""
    given = gather(options, request.preset, request.config, origin)
    if request.minutes is not None:
        if "kimg" in options:
            raise UsageError(f"--minutes is {request.minutes:g} and --kimg is {given['kimg']:g}; give one of them.")
        if not isfinite(request.minutes) or not 0 < request.minutes <= MOST_MINUTES:
            raise UsageError(
                f"--minutes is {request.minutes:g}, but it must be above 0 and at most {MOST_MINUTES}, a year."
            )
        given.pop("kimg", None)  # a preset's or a file's
    refuse_meaningless(given)
    if own != Own() and given.get("kind", GENERATE) != GENERATE:
        raise UsageError(
            f"Networks and tasks of your own are for generation; leave them out of task={given['kind']!r}."
        )
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
        list_unreadable(run, dataset, report, cut=config.data.fit == "tiles")
    warmth = None
    if request.start_from and not checkpoint_steps(run.checkpoints):
        warmth = read_warmth(request.start_from, dataset.labels.names, lambda text: report(Notice(text)))
    task = equipped(build_task(config, dataset.labels, own, warmth), config, device, report)
    data = split(dataset, config, device)
    if config.training.features != "random" and isinstance(task, Generation):
        network = get_network(config.training.features, None, False, device, report)
        task = replace(
            task, score=feature_score(network, dataset, training_rows(dataset, config), config, device, report)
        )
    card = {
        "pictures": request.pictures.name,
        "picture_count": dataset.picture_count,
        "data_key": dataset.key,
        "config": record["config"],
        "ganvas": record["ganvas"],
        "torch": record["versions"]["torch"],
        "started": record["started"],
        **({"started_from": record["started_from"]} if record.get("started_from") else {}),
    }

    def export(state: TrainingState, path: Path) -> None:
        counters = state.counters
        facts = {
            **card,
            "seen_kimg": counters.seen_images / 1000,
            "training_hours": round(counters.elapsed_s / 3600, 3),
            "images_per_s": round(counters.seen_images / counters.elapsed_s, 1) if counters.elapsed_s else None,
            "device": str(device),
        }
        described = describe(task, state.averages, config, dataset.labels, facts)
        save_model(path, described, state.averages, state.snapshots)
        if path == run.model:
            write_run_page(run, request.pictures.name)

    loop = Loop(
        task=task,
        data=data,
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
    state = loop.play()
    run.write_record({**run.read_record(), "finished_steps": config.training.total_steps})
    report(Wrote("model", run.model))
    return state


def _halve_micro_batch(run: RunFolder, world: World, report: Report, error: OutOfMemory) -> bool:
    """Put a smaller micro-batch on record; False when it cannot be smaller."""
    record = run.read_record()
    smaller = smaller_micro_batch(recorded_config(record).training, world)
    if not smaller:
        return False
    record["config"]["micro_batch"] = smaller
    note_change(record, micro_batch=smaller, why=str(error))
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
