"""``ganvas inspect``."""

from pathlib import Path
from typing import Any

from ganvas.cli import show


def inspect(file: Path, /, *, json: bool = False) -> None:
    """Print a model's card, or a painted picture's mark and recipe.

    Parameters
    ----------
    file
        A model file, a run folder, or a picture.
    json
        Print one JSON object.
    """
    from ganvas.job.inspect import inspect as inspect_job

    facts = inspect_job(file)
    if json:
        show.as_json(facts)
        return
    show.pairs([(name, _words(value)) for name, value in facts.items() if name != "card"])
    card = {name: value for name, value in (facts.get("card") or {}).items() if name != "config"}
    tables = {name: rows for name, value in card.items() if (rows := _rows(value))}
    show.pairs([(f"  {name}", _words(value)) for name, value in card.items() if name not in tables])
    for name, rows in tables.items():
        show.result(f"  {name}")
        show.pairs([(f"    {row}", _words(value)) for row, value in rows])


def _rows(value: Any) -> list[tuple[str, Any]]:
    """What is a table, such as scores: a mapping of mappings or a list of them."""
    if isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
        return list(value.items())
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [(str(number), item) for number, item in enumerate(value, 1)]
    return []


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items()) or "none"
    return "none" if value is None else str(value)
