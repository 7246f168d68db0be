"""The verb ``inspect``: what a model file, or a painted picture, says about itself."""

from pathlib import Path
from typing import Any

from ganvas.errors import FileError
from ganvas.files import file_hash
from ganvas.image.decode import EXTENSIONS
from ganvas.image.provenance import read_mark
from ganvas.job.sample import model_file
from ganvas.model.load import read_descriptor


def inspect(path: Path) -> dict[str, Any]:
    """The card of a model file (or run folder), or the mark and recipe of a picture, as plain values.

    Raises:
        FileError: The file is absent, damaged, or neither.
    """
    if not path.exists():
        raise FileError(f"There is no file '{path}'.")
    if path.is_file() and path.suffix.lower() in EXTENSIONS:
        with path.open("rb") as file:
            mark = read_mark(file, str(path))
        return {
            "kind": "picture",
            "source_type": mark.source_type if mark else None,
            "recipe": dict(mark.recipe) if mark and mark.recipe else None,
        }
    model = model_file(path)
    descriptor = read_descriptor(model)
    return {
        "kind": "model",
        "task": descriptor.task,
        "size": f"{descriptor.size[0]}x{descriptor.size[1]}",
        "channels": descriptor.channels,
        "latent_dim": descriptor.latent_dim,
        "labels": descriptor.labels.kind,
        "label_names": list(descriptor.labels.names),
        "generators": {name: spec.architecture for name, spec in descriptor.generators.items()},
        "bytes": model.stat().st_size,
        "sha256": file_hash(model),
        "card": dict(descriptor.card),
    }
