"""Where weights come from: what the card of a fine-tuned model says of those it started from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganvas.files import file_hash
from ganvas.job.sample import model_file
from ganvas.model.load import read_descriptor

FACTS = ("pictures", "picture_count", "data", "licence", "started", "seen_kimg", "training_hours", "device", "ganvas")
"""What is told of an earlier model, as far as its card says it."""
MOST = 32
"""Models that are told of; of a longer line the oldest are left out."""


def lineage(start: Path) -> list[dict[str, Any]]:
    """The models behind one that is started from, the oldest first, itself last.

    Args:
        start: A model file or a run folder.

    Returns:
        Of each the SHA-256 of its file and plain values by the names of `FACTS`. Cards are the word of whoever wrote
        them: what is no text or number there is left out.

    Raises:
        FileError: There is no model at the path.
    """
    file = model_file(start)
    card = read_descriptor(file).card
    earlier = card.get("started_from", [])
    told = [entry for entry in earlier if isinstance(entry, Mapping)] if isinstance(earlier, list) else []
    return [_plain(entry) for entry in (*told, {**card, "sha256": file_hash(file)})][-MOST:]


def _plain(card: Mapping[str, Any]) -> dict[str, Any]:
    return {name: card[name] for name in ("sha256", *FACTS) if isinstance(card.get(name), (str, int, float))}
