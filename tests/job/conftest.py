from pathlib import Path
from typing import NamedTuple

import pytest

from tests.photo_models import write_model


class Models(NamedTuple):
    """Model files whose painting is known (see `tests.photo_models`)."""

    upscale: Path
    shifted: Path
    restore: Path
    repair: Path
    nothing: Path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Enlarging repeats pixels (``shifted``: 0.1 brighter at the inventive end), restoring changes nothing, repairing
    paints 0.5, or 0.25 at the faithful end; and no scratch is found.
    """
    root = tmp_path_factory.mktemp("models")
    return Models(
        write_model(root / "upscale.safetensors", "upscale"),
        write_model(root / "shifted.safetensors", "upscale", bias=0.1, faithful=0.0),
        write_model(root / "restore.safetensors", "restore"),
        write_model(root / "repair.safetensors", "repair", bias=0.5, faithful=0.25),
        write_model(root / "nothing.safetensors", "find-scratches", bias=-3.0),
    )
