"""Read a model. Nothing in the file is executed, and nothing in it is believed before it is checked."""

import reprlib
from collections.abc import Mapping
from math import prod
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ganvas.device import choose_device, place
from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.model.descriptor import Descriptor
from ganvas.model.model import Model
from ganvas.model.save import FORMAT
from ganvas.network.generator import build_generator


def read_descriptor(path: Path | str) -> Descriptor:
    """A model file's description, without its weights.

    Raises:
        FileError: The file is absent, damaged or no model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(f"There is no model file '{path}'.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"'{path}' is no model, or a damaged one ({error}); give a file that ganvas wrote.") from error
    if metadata.get("format") != FORMAT or "descriptor" not in metadata:
        raise FileError(f"'{path}' is a safetensors file, but not a ganvas model ({FORMAT}).")
    return Descriptor.from_json(metadata["descriptor"], str(path))


def load_model(
    path: Path | str,
    *,
    device: str = "auto",
    generators: Mapping[str, nn.Module] | None = None,
    snapshot: str | None = None,
) -> Model:
    """Load a trained model.

    Args:
        path: A ``model.safetensors`` written by a run.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        generators: Your own networks by name, for a model that was trained with them; their weights are replaced.
        snapshot: Name of a snapshot to use in place of the final weights.

    Returns:
        The model, in eval mode on the device.

    Raises:
        FileError: The file is absent, damaged, hostile or no model.
        UsageError: The device or the snapshot does not exist, ``generators`` has a name the model has not, or the model
            paints from photographs.
    """
    path = Path(path)
    descriptor = read_descriptor(path)
    if descriptor.photo is not None:
        command = f"{descriptor.task} PHOTO --model"
        if descriptor.task == "find-scratches":  # a step of a verb, and none itself
            command = "repair PHOTO --find-scratches --scratch-model"
        raise UsageError(
            f"'{path}' is a model for '{descriptor.task}': it works on photographs and paints none from seeds; use it "
            f"with ganvas {command} {path}."
        )
    given = generators or {}
    for name in given:
        if name not in descriptor.generators:
            raise UnknownName("generator", name, descriptor.generators, "in this model")
    place_on = choose_device(device)
    folder = "" if snapshot is None else f"snapshot/{snapshot}/"
    _require_weights(descriptor, folder, path)
    built = {}
    for name in descriptor.generators:  # each is held against the file before the next is built, which may take seconds
        network = given[name] if name in given else _build(descriptor, name, path)
        _fill_(network, f"{folder}{name}/", path)
        built[name] = place(network, place_on).eval().requires_grad_(False)
    return Model(descriptor, built, place_on)


def _require_weights(descriptor: Descriptor, folder: str, path: Path) -> None:
    """Refuse a file without weights for what it describes, before anything is built from the description."""
    with safe_open(path, framework="pt") as file:
        keys = file.keys()
        for name, spec in descriptor.generators.items():
            found = [key for key in keys if key.startswith(f"{folder}{name}/")]
            if not found and folder:
                raise UsageError(f"'{path}' has no snapshot '{folder.split('/')[1]}'.")
            count = sum(prod(file.get_slice(key).get_shape()) for key in found)
            fewest = 1 if spec.architecture == "custom" else descriptor.latent_dim  # each weighs all of its latent
            if count < fewest:
                raise FileError(
                    f"'{path}' does not hold the weights it describes ({count} of {reprlib.repr(name)}, which needs "
                    f"{fewest} or more); get the file again."
                )


def _build(descriptor: Descriptor, name: str, path: Path) -> nn.Module:
    spec = descriptor.generators[name]
    if spec.architecture == "custom":
        raise UsageError(
            f"'{path}' was trained with a network of its author's own; pass it as generators={{'{name}': network}}."
        )
    facts = {
        "size": list(descriptor.size),
        "channels": descriptor.channels,
        "latent_dim": descriptor.latent_dim,
        "label_dim": len(descriptor.labels.names),
    }
    wrong = [fact for fact, value in facts.items() if fact in spec.arguments and spec.arguments[fact] != value]
    if wrong:
        raise FileError(f"'{path}' describes itself in two ways ({', '.join(wrong)} of '{name}'); get the file again.")
    try:
        with torch.device("meta"):  # shapes only: a lying header must not allocate anything
            return build_generator(spec.architecture, spec.arguments)
    except UsageError as error:
        raise FileError(f"'{path}' describes a generator that cannot be built: {error}") from error


def _fill_(network: nn.Module, prefix: str, path: Path) -> None:
    network.load_state_dict(read_weights(path, prefix, network.state_dict()), assign=True)


def read_weights(path: Path, prefix: str, wanted: Mapping[str, Tensor], *, halves: bool = False) -> dict[str, Tensor]:
    """The tensors of a file below a prefix, of the names, shapes and types that are wanted.

    Args:
        path: A model file.
        prefix: What their names begin with in the file.
        wanted: What a network's state is made of; values may be on the meta device.
        halves: Whether a float32 tensor may be stored as float16.

    Raises:
        FileError: The file holds other tensors.
    """
    with safe_open(path, framework="pt") as file:
        found = {key.removeprefix(prefix) for key in file.keys() if key.startswith(prefix)}
        if found != set(wanted):
            odd = ", ".join(map(reprlib.repr, sorted(found ^ set(wanted))[:3]))
            raise FileError(f"'{path}' does not hold the weights it describes (first differences: {odd}).")
        loaded = {}
        for key, value in wanted.items():
            shape = tuple(file.get_slice(prefix + key).get_shape())
            if shape != tuple(value.shape):
                raise FileError(f"'{path}' has '{key}' as {shape}, but its description means {tuple(value.shape)}.")
            tensor = file.get_tensor(prefix + key)
            if halves and (tensor.dtype, value.dtype) == (torch.float16, torch.float32):
                tensor = tensor.float()
            if tensor.dtype != value.dtype:
                raise FileError(f"'{path}' has '{key}' in {tensor.dtype}, but its description means {value.dtype}.")
            loaded[key] = tensor.clone()  # of its own: Windows cannot replace a file that is mapped
    return loaded
