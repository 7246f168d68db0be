"""Who takes part in which task; built the same way in the process that measures time and memory."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from photographs import classical, ours, peers
from photographs.method import Finder, Method

Task = Literal["upscale2", "upscale4", "restore", "repair", "find-scratches"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Setting:
    """What a run is made with.

    Attributes:
        cache: Where `fetch.py` keeps the peers' networks.
        threads: For all.
        models: Our model files, by task; several are compared with each other.
        strengths: Told to our restorers.
        quick: Without the largest peer.
        precision: Of our networks.
    """

    cache: Path
    threads: int
    models: dict[Task, tuple[Path, ...]]
    strengths: tuple[float, ...] = (1.0,)
    quick: bool = False
    precision: str = "float32"


def methods(task: Task, setting: Setting) -> list[Method]:
    """All who take part in a task that paints pictures."""
    if task == "restore":
        others = [*classical.restorers(), *peers.restorers(setting.cache, setting.threads)]
    elif task == "repair":
        others = classical.repairers()
    else:
        scale = int(task[-1])
        others = [*classical.enlargers(scale), *peers.enlargers(scale, setting.cache, setting.threads)]
        if setting.quick:
            others = [one for one in others if one.name != "real-esrgan plus"]
    return [*others, *own(task, setting)]


def own(task: Task, setting: Setting) -> list[Method]:
    """Our models at their faithful end and, where they have two, at their inventive one; once a strength."""
    if not (paths := setting.models.get(task)):
        return []
    from ganvas.model.photo import load_photo_model

    found = []
    for path in paths:
        model = load_photo_model(path, device="cpu")
        spec = model.photo
        ends = {"faithful": 1.0, "inventive": 0.0} if model.two_ends else {"": 1.0}
        strengths = setting.strengths if "strength" in spec.inputs else (1.0,)
        for (end, fidelity), strength in product(ends.items(), strengths):
            words = [path.stem if path.stem != "model" else path.parent.name, end]
            words += [f"{strength:g}"] if "strength" in spec.inputs else []
            name = " ".join(word for word in words if word)
            network = model.at(fidelity)
            if task == "repair":
                run = ours.repairer(network, spec, fidelity=fidelity, precision=setting.precision)
            else:
                run = ours.painter(network, spec, strength=strength, precision=setting.precision)
            found.append(Method(name, run, ours.count(network)))
    return found


def finders(setting: Setting) -> list[Finder]:
    """All who look for scratches."""
    found = classical.finders()
    if not (paths := setting.models.get("find-scratches")):
        return found
    from ganvas.model.photo import load_photo_model

    for path in paths:
        model = load_photo_model(path, device="cpu")
        network, stride_px = model.at(1.0), model.photo.stride_px
        found.append(ours.finder(path.stem, network, stride_px=stride_px, precision=setting.precision))
    return found


def installed() -> dict[Task, tuple[Path, ...]]:
    """The models that came with ganvas, by task."""
    from ganvas.model.catalogue import installed_models

    found: dict[Task, tuple[Path, ...]] = {}
    for one in installed_models():
        name = f"{one.descriptor.task}{one.scale}" if one.descriptor.task == "upscale" else one.descriptor.task
        for task in TASKS:
            if task == name:
                found[task] = (*found.get(task, ()), one.path)
    return found
