"""Who takes part in which task; built the same way in the process that measures time and memory."""

from dataclasses import dataclass
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
        quick: Without the largest peer.
    """

    cache: Path
    threads: int
    models: dict[Task, tuple[Path, ...]]
    quick: bool = False


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
    """Both ends of each of our models: faithful, then inventive."""
    if not (paths := setting.models.get(task)):
        return []
    from ganvas.model.photo import load_photo_model

    found = []
    for path in paths:
        model = load_photo_model(path, device="cpu")
        facts = model.descriptor.photo
        for fidelity, end in ((1.0, "faithful"), (0.0, "inventive")):
            network = model.at(fidelity)
            found.append(
                ours.method(
                    f"{path.stem} {end}", network,
                    scale=facts.scale, stride_px=facts.stride_px, inputs=facts.inputs,
                )
            )  # fmt: skip
    return found


def finders(setting: Setting) -> list[Finder]:
    """All who look for scratches."""
    found = classical.finders()
    if not (paths := setting.models.get("find-scratches")):
        return found
    from ganvas.model.photo import load_photo_model

    for path in paths:
        model = load_photo_model(path, device="cpu")
        found.append(ours.finder(path.stem, model.at(1.0), stride_px=model.descriptor.photo.stride_px))
    return found
