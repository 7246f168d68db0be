"""What a model file says about itself: enough to rebuild the generators and to tell a user what they are."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ganvas.errors import FileError

LabelKind = Literal["none", "class", "attributes"]
MAX_HEADER_BYTES = 1_000_000


@dataclass(frozen=True)
class GeneratorSpec:
    """One generator: the name of an architecture and its plain arguments."""

    architecture: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class LabelSpec:
    """What a condition means.

    Attributes:
        kind: ``none``, ``class`` (one-hot) or ``attributes`` (numbers).
        names: Class names, or attribute names.
        mean: Attribute means; the network sees ``(value - mean) / std``. Empty for classes.
        std: Attribute standard deviations.
    """

    kind: LabelKind = "none"
    names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True)
class Descriptor:
    """A trained model's typed description.

    Attributes:
        task: The task it was trained for.
        size: Height and width of its pictures, pixels.
        channels: 1, 3 or 4.
        latent_dim: Length of its latent vectors.
        generators: The generators by name.
        labels: What its condition means.
        card: Training facts in plain values: data, images seen, recipe, seed, versions.
    """

    task: str
    size: tuple[int, int]
    channels: int
    latent_dim: int
    generators: Mapping[str, GeneratorSpec]
    labels: LabelSpec = LabelSpec()
    card: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The descriptor as JSON text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str, origin: str) -> "Descriptor":
        """Read a descriptor that may have been written by anybody.

        Raises:
            FileError: It is too large, no JSON, or a field is missing or of the wrong kind.
        """
        if len(text) > MAX_HEADER_BYTES:
            raise FileError(f"The description in '{origin}' has {len(text)} characters; a model's has under 1 MB.")
        try:
            raw = json.loads(text)
            labels = raw["labels"]
            return Descriptor(
                task=_text(raw["task"]),
                size=(_count(raw["size"][0]), _count(raw["size"][1])),
                channels=_count(raw["channels"]),
                latent_dim=_count(raw["latent_dim"]),
                generators={
                    _text(name): GeneratorSpec(_text(spec["architecture"]), dict(spec["arguments"]))
                    for name, spec in raw["generators"].items()
                },
                labels=LabelSpec(
                    kind=_kind(labels["kind"]),
                    names=tuple(_text(name) for name in labels["names"]),
                    mean=tuple(float(value) for value in labels["mean"]),
                    std=tuple(float(value) for value in labels["std"]),
                ),
                card=dict(raw["card"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise FileError(f"The description in '{origin}' is damaged ({reason}); get the file again.") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{value!r:.60} is not printable text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65536:
        raise ValueError(f"{value!r:.60} is not a whole number from 1 to 65536")
    return value


def _kind(value: object) -> LabelKind:
    if value == "none" or value == "class" or value == "attributes":
        return value
    raise ValueError(f"{value!r:.60} is no kind of label")
