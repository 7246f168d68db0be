"""The verb ``models``: what is installed for photographs."""

from pathlib import Path
from typing import Any

from ganvas.model.catalogue import FOLDER, installed_models


def models(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Facts of every installed model: task, scale, size, licence, training data, scores, hash.

    Raises:
        FileError: One of them is damaged.
    """
    return [one.facts() for one in installed_models(folder)]
