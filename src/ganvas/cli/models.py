"""``ganvas models``."""

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from ganvas.cli import show


def models(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the installed models for photographs.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    from ganvas.job.models import models as models_job

    found = models_job()
    if json:
        show.as_json({"models": found})
    elif not found:
        show.notice(
            "No model for photographs is installed; train one with: ganvas train PHOTOS --task upscale --scale 2"
        )
    else:
        show.table([("name", "task", "scale", "parameters", "MiB", "licence", "sha256"), *map(_row, found)])
        for facts in found:
            show.result(
                "\n".join(["", facts["name"], *_lines("data", facts["data"]), *_lines("scores", facts["scores"])])
            )


def _row(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        facts["name"],
        facts["task"],
        f"×{facts['scale']}",
        f"{facts['parameters']:,}",
        f"{facts['size_bytes'] / 2**20:.1f}",
        facts["licence"] or "not said",
        facts["sha256"][:16],
    )


def _lines(name: str, value: Any) -> list[str]:
    """A fact on a line; one with parts on a line a part."""
    if isinstance(value, Mapping):
        return [f"  {name}", *(f"    {part}: {_words(item)}" for part, item in value.items())]
    return [f"  {name}: {_words(value)}"]


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(item)}" for name, item in value.items())
    return "not said" if value is None else str(value)
