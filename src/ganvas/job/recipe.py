"""What somebody asked for: a preset, then a configuration file, then options given one by one."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ganvas.errors import UnknownName
from ganvas.training.config import SETTINGS
from ganvas.training.options import Option, options_of, parse, parse_toml, read_toml

TRAIN_OPTIONS: tuple[Option, ...] = tuple(opt for settings in SETTINGS for opt in options_of(settings))

LABEL_WORDS = ("auto", "none", "folders")
"""What ``labels`` may be besides the path of a table."""


def preset_texts() -> dict[str, str]:
    """The shipped presets by name; the first line of each is the command that runs it."""
    folder = files("ganvas.presets")
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def gather(
    options: Mapping[str, Any],
    preset: str | None = None,
    config: Path | None = None,
    origin: str = "the call",
) -> dict[str, Any]:
    """Parsed options by name; what is given later wins.

    A table of labels is named by its whole path, so that a run can go on from another folder.

    Args:
        options: Options given one by one, by name or flag name.
        preset: Name of a shipped preset.
        config: A TOML file of options.
        origin: Where ``options`` come from, for errors.

    Raises:
        UsageError: An unknown preset or key, or a value of the wrong type.
    """
    given: dict[str, Any] = {}
    if preset is not None:
        texts = preset_texts()
        if preset not in texts:
            raise UnknownName("preset", preset, texts)
        given |= parse(SETTINGS, parse_toml(texts[preset], f"preset '{preset}'"), f"preset '{preset}'")
    if config is not None:
        given |= parse(SETTINGS, read_toml(config), f"'{config}'")
    given |= parse(SETTINGS, options, origin)
    if given.get("labels", "auto") not in LABEL_WORDS:
        given["labels"] = str(Path(given["labels"]).resolve())
    return given
