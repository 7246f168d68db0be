"""``ganvas train``."""

import os
import shlex
import signal
import sys
from dataclasses import asdict, field, make_dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_origin

from cyclopts import Group, Parameter

from ganvas.cli import show
from ganvas.cli.progress import TrainingProgress
from ganvas.job.recipe import TRAIN_OPTIONS
from ganvas.training.options import Option

ORIGIN = "the command line"
RECIPE = Group("Recipe", help="What is not given is chosen for your pictures and your machine.", sort_key=2)

NEXT = {
    "generate": "sample {run} --seeds 0-63 --grid 8x8",
    "upscale": "upscale PHOTO --model {run} --out LARGE",
    "restore": "restore PHOTO --model {run} --out RESTORED",
    "repair": "repair PHOTO --mask MASK --model {run} --out REPAIRED",
    "find-scratches": "repair PHOTO --find-scratches --scratch-model {run} --out REPAIRED",
}
"""What to do with a run of each task."""


def _flag(option: Option) -> tuple[str, Any, Any]:
    """An option as a field of the command line's dataclass, None where it is not given."""
    plain = option.kind in (bool, int, float, str) or get_origin(option.kind) is Literal
    kind = option.kind if plain else str
    default = "" if option.planned else f" Default: {_shown(option.default)}."
    parameter = Parameter(name=option.flag, help=option.text + default, group=RECIPE, show_default=False)
    return option.name, Annotated[kind | None, parameter], field(default=None)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value == () else str(value)


if TYPE_CHECKING:
    from _typeshed import DataclassInstance as Flags
else:
    Flags = make_dataclass("Flags", map(_flag, TRAIN_OPTIONS), kw_only=True, frozen=True)
    Flags.__module__ = __name__  # cyclopts takes classes of the standard library, where this one says it is, whole


def train(
    pictures: Path,
    /,
    *,
    runs: Path = Path("runs"),
    name: str | None = None,
    preset: str | None = None,
    config: Path | None = None,
    minutes: float | None = None,
    resume: str = "auto",
    start_from: Path | None = None,
    device: str = "auto",
    auto_batch: bool = False,
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"])] = False,
    json: bool = False,
    flags: Annotated[Flags | None, Parameter(name="*")] = None,
) -> None:
    """Train a generator on your pictures, or go on where it stopped.

    Parameters
    ----------
    pictures
        A folder, zip, tar, idx file or .npy; sub-folders or a labels.csv give labels.
    runs
        The folder that run folders are made in.
    name
        Part of the run folder's name.
    preset
        A shipped recipe (see: ganvas presets).
    config
        A TOML file of options; flags win over it.
    minutes
        Budget in minutes from the run's beginning, turned into kimg by the speed measured at the start.
    resume
        auto (the run of the same command), never, or a run's folder, name or number.
    start_from
        A model file or run folder whose weights to begin with.
    device
        auto, cpu, cuda, cuda:1 or mps.
    auto_batch
        Take smaller parts of the batch when memory runs out.
    dry_run
        Print the plan and stop.
    json
        Print one JSON object; notices go to standard error.
    """
    options = {key: value for key, value in asdict(flags).items() if value is not None} if flags else {}
    from ganvas.job.prepare import Request
    from ganvas.job.train import plan as plan_job
    from ganvas.job.train import train as train_job

    request = Request(pictures, runs, name, resume, start_from, preset, config, minutes, device, auto_batch)
    speaks = os.environ.get("RANK", "0") == "0"  # one of the processes torchrun starts
    if dry_run:
        if speaks:
            with TrainingProgress(quiet=json) as progress:
                planned = plan_job(request, options, report=progress, origin=ORIGIN)
            if json:
                show.as_json({"run": None, "model": None, "seen_kimg": 0.0, "plan": planned.to_dict()})
        return
    asked_to_stop = StopSignal()
    try:
        with TrainingProgress(quiet=json) as progress:
            done = train_job(
                request,
                options,
                report=progress,
                interrupted=asked_to_stop,
                origin=ORIGIN,
                command=shlex.join(["ganvas", *sys.argv[1:]]),
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(asked_to_stop.how_to_go_on(resume)) from None
    if not speaks:
        return
    if json:
        plan = done.plan.to_dict() if done.plan else None
        show.as_json({"run": str(done.run), "model": str(done.model), "seen_kimg": done.seen_kimg, "plan": plan})
    else:
        show.result(f"Model: {done.model}\nGrids: {done.run / 'samples'}")
        show.notice(f"Next:  ganvas {NEXT[done.task].format(run=shlex.quote(str(done.run)))}")


class StopSignal:
    """Ctrl-C once asks the loop to save and stop; a second time, or before the loop plays, it stops at once."""

    def __init__(self) -> None:
        self.playing = False
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)

    def __call__(self) -> bool:
        """Whether someone asked; the loop asks this before every step, and so tells that it plays."""
        self.playing = True
        return self.asked

    def how_to_go_on(self, resume: str) -> str:
        """What to say after a stop, in a sentence; ``resume`` is what the command said."""
        if not self.playing:
            return "Stopped before the training began; the same command starts it."
        if resume == "never":
            return "Stopped; the same command without --resume never goes on from here."
        return "Stopped; the same command goes on from here."

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked or not self.playing:
            raise KeyboardInterrupt
        self.asked = True
        show.notice("Stopping after this step, everything saved; press Ctrl-C again to stop at once.")
