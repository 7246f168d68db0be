"""The one place where verbs on photographs open models."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from ganvas.device import choose_device, choose_precision, place
from ganvas.errors import UsageError
from ganvas.files import file_hash
from ganvas.job.painter import Opened
from ganvas.job.photo_options import PrecisionChoice
from ganvas.job.sample import model_file
from ganvas.model.catalogue import installed_for
from ganvas.model.foreign import load_foreign
from ganvas.model.photo import load_photo_model
from ganvas.model.save import FORMAT
from ganvas.network.image_to_image import fused, receptive_radius_px


def open_model(
    path: Path | None,
    task: str,
    scale: int | None,
    device: str,
    precision: PrecisionChoice = "auto",
    *,
    flag: str = "--model",
) -> Opened:
    """A model for a task: the file (or run folder) given, or the installed one for a scale.

    A scale of None takes the given file at its own. Networks of others run in float32 unless bfloat16 is asked for:
    their last layers would round the picture itself. ``flag`` is what a user gives this model with, for errors.

    Raises:
        FileError: The file is absent, damaged or none that can be read; or no model is installed.
        UsageError: It is for another task or scale, or the device does not exist.
    """
    file = installed_for(task, scale or 1, flag=flag) if path is None else model_file(path)
    ours = file.suffix == ".safetensors" and _is_ours(file)
    opened = _ours(file, device, precision) if ours else _foreign(file, task, device, precision, flag)
    if opened.task != task:
        raise UsageError(f"'{file}' is a model for {opened.task}, not {task}; choose another {flag}.")
    if scale is not None and opened.scale != scale:
        raise UsageError(f"'{file}' enlarges ×{opened.scale}, not ×{scale}; choose another {flag} or --scale.")
    return opened


def _is_ours(file: Path) -> bool:
    """Whether a file says it is a model of ganvas; what is absent or damaged is, so that our reader says so."""
    try:
        with safe_open(file, framework="pt") as opened:
            return (opened.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError, ValueError):
        return True


def _ours(file: Path, device: str, precision: PrecisionChoice) -> Opened:
    model = load_photo_model(file, device=device)
    spec = model.descriptor.photo
    assert spec is not None
    return Opened(
        name=file.stem if file.stem != "model" else file.parent.name,
        sha256=file_hash(file),
        task=model.descriptor.task,
        scale=spec.scale,
        stride_px=spec.stride_px,
        radius_px=spec.radius_px,
        inputs=spec.inputs,
        two_ends=model.two_ends,
        at=model.at,
        device=model.device,
        precision=choose_precision(precision, model.device),
    )


def _foreign(file: Path, task: str, device: str, precision: PrecisionChoice, flag: str) -> Opened:
    network = load_foreign(file)
    scale, stride_px = int(network.scale), int(network.stride_px)  # type: ignore[arg-type]
    if task not in ("upscale", "restore") or (task == "restore") != (scale == 1):
        raise UsageError(f"'{file}' enlarges ×{scale} and is no model for {task}; choose another {flag}.")
    radius_px = receptive_radius_px(network)
    place_on = choose_device(device)
    ready = place(fused(network), place_on)
    return Opened(
        name=file.stem,
        sha256=file_hash(file),
        task=task,
        scale=scale,
        stride_px=stride_px,
        radius_px=radius_px,
        inputs=(),
        two_ends=False,
        at=lambda fidelity: ready,
        device=place_on,
        foreign=True,
        precision="float32" if precision == "auto" else precision,
    )
