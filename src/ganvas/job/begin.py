"""The run a command means, held for this process: a new one, or an earlier one that goes on."""

import platform
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch

from ganvas.events import Notice, Planned, Report, Warned
from ganvas.job.carry import read_warmth
from ganvas.job.lineage import lineage
from ganvas.job.networks import Own
from ganvas.job.pictures import changed_data, data_record, packed_pictures
from ganvas.job.prepare import Plan, Request, make_plan
from ganvas.job.resume import (
    find_run,
    identity,
    kimg_for_minutes,
    note_change,
    now,
    plain,
    read_run,
    recorded_config,
    refuse_for_new_runs,
    with_changes,
)
from ganvas.job.task_options import GENERATE
from ganvas.training.distribute import World
from ganvas.training.lock import only_trainer
from ganvas.training.run import RunFolder


@dataclass(frozen=True)
class Call:
    """What somebody asked for, checked.

    Attributes:
        request: Which pictures, where to, resume or not.
        given: Parsed options by name.
        own: Networks or a task passed as objects.
        command: The words it was asked for with, for the record.
    """

    request: Request
    given: Mapping[str, Any]
    own: Own
    command: str

    @property
    def task(self) -> str:
        """Name of the built-in task."""
        return str(self.given.get("kind", GENERATE))

    def only_new(self) -> dict[str, str | None]:
        """What only a new run takes, besides options."""
        start = self.request.start_from
        return {"name": self.request.name, "start_from": str(start.resolve()) if start else None, **self.own.names()}


@dataclass(frozen=True)
class Begun:
    """The run to play.

    Attributes:
        run: Its folder.
        plan: What was planned; None when an earlier run goes on.
        to_play: Whether its budget leaves something to play.
    """

    run: RunFolder
    plan: Plan | None
    to_play: bool


def begin(call: Call, device: torch.device, world: World, report: Report, held: ExitStack) -> Begun:
    """Find the run of the same command, or plan and make a new one.

    Args:
        call: What was asked for.
        device: Where it will be trained.
        world: The processes that will train it.
        report: Told what happens.
        held: Takes the run's lock, before anything in its folder is written.

    Raises:
        GanvasError: With a sentence that says what to do.
    """
    request = call.request
    asked = identity(request.pictures, call.given, call.only_new())
    found = find_run(request.runs, request.resume, asked, lambda sentence: report(Warned(sentence)))
    if found is not None:
        held.enter_context(only_trainer(found.path))
        return Begun(found, None, _go_on(found, call, report))
    if request.start_from:
        read_warmth(request.start_from)  # a wrong path shows before anything is measured
    plan = make_plan(request, call.given, device, world, call.own, report)
    report(Planned(plan.lines(), plan.to_dict()))
    dataset = packed_pictures(request, plan.config, report)  # may refuse, and then there is no run
    run = RunFolder.create(request.runs, request.name or request.pictures.resolve().stem)
    held.enter_context(only_trainer(run.path))
    run.write_record(
        {
            "ganvas": version("ganvas"),
            "command": call.command,
            "asked": asked,
            "minutes": request.minutes,
            "config": {key: plain(value) for key, value in plan.config.flat().items()},
            "plan": {key: value for key, value in plan.to_dict().items() if key != "config"},
            "data": data_record(dataset),
            "device": str(device),
            "threads": torch.get_num_threads(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "started": now(),
            "started_from": lineage(request.start_from) if request.start_from else [],
            "changes": [],
        }
    )
    for name, words in plan.lines():
        run.log(f"{name}: {words}")
    report(Notice(f"Run folder: {run.path}"))
    return Begun(run, plan, to_play=True)


def _go_on(run: RunFolder, call: Call, report: Report) -> bool:
    """Whether a run's budget leaves something to play; what differs from its start is written down."""
    record = read_run(run)
    refuse_for_new_runs(run, record["asked"], call.only_new())
    given, budget = _budget(run, record, call)
    config, changes = with_changes(recorded_config(record), given, record["asked"])
    changes |= budget
    if record.get("finished_steps", 0) >= config.training.total_steps:
        report(
            Notice(
                f"'{run.path}' is finished with {seen_kimg(run):g} kimg; give a larger --kimg or --minutes to train it "
                "further, or --resume never for a new run."
            )
        )
        return False
    data = data_record(packed_pictures(call.request, config, report))
    sentence = changed_data(run, record["data"], data)
    for key, value in changes.items():
        report(Notice(f"{key} is now {value}; the change is on record in '{run.path / 'run.json'}'."))
    if sentence is not None:
        report(Warned(sentence))
        changes["data"] = record["data"] = data
    if changes:
        record["config"] = {key: plain(value) for key, value in config.flat().items()}
        record["minutes"] = changes.get("minutes", None if "kimg" in changes else record.get("minutes"))
        note_change(record, after_kimg=seen_kimg(run), command=call.command, **changes)
        run.write_record(record)
    return True


def _budget(run: RunFolder, record: Mapping[str, Any], call: Call) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The options given, with other minutes than before as kimg; and those minutes."""
    minutes = call.request.minutes
    if minutes is None or minutes == record.get("minutes"):
        return call.given, {}
    return {**call.given, "kimg": kimg_for_minutes(run, record, minutes)}, {"minutes": minutes}


def seen_kimg(run: RunFolder) -> float:
    """Thousand images seen, by the last line of the run's statistics."""
    lines = run.lines("stats.jsonl")
    return float(lines[-1]["seen_kimg"]) if lines else 0.0
