"""``ganvas presets``."""

from ganvas.cli import show
from ganvas.errors import UnknownName
from ganvas.job.recipe import preset_texts


def presets(name: str | None = None, /) -> None:
    """List the shipped recipes, or print one.

    Parameters
    ----------
    name
        The recipe to print as TOML.
    """
    texts = preset_texts()
    if name is None:
        show.pairs([(name, _summary(text)) for name, text in texts.items()])
    elif name in texts:
        show.result(texts[name].rstrip())
    else:
        raise UnknownName("preset", name, texts)


def _summary(text: str) -> str:
    """The second comment line: what the recipe is."""
    return text.splitlines()[1].removeprefix("# ")
