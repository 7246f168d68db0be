"""Write a model: one safetensors file, its description as JSON in the header."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from ganvas.files import atomic_path
from ganvas.model.descriptor import Descriptor

FORMAT = "ganvas-model-1"


def save_model(
    path: Path,
    descriptor: Descriptor,
    generators: Mapping[str, nn.Module],
    snapshots: Mapping[str, Tensor] | None = None,
) -> None:
    """Write generators (and snapshots of their weights kept at the end of a stage) as one file.

    Raises:
        FileError: The file cannot be written.
        DataError: There are too many labels to describe.
    """
    tensors = {f"{name}/{key}": t for name, net in generators.items() for key, t in net.state_dict().items()}
    tensors |= {f"snapshot/{key}": tensor for key, tensor in (snapshots or {}).items()}
    write_tensors(path, descriptor, tensors)


def write_tensors(path: Path, descriptor: Descriptor, tensors: Mapping[str, Tensor]) -> None:
    """Write a description and the tensors that it describes, by their names in the file.

    Raises:
        FileError: The file cannot be written.
        DataError: There are too many labels to describe.
    """
    description = descriptor.to_json()
    flat = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(flat, temporary, metadata={"format": FORMAT, "descriptor": description})
