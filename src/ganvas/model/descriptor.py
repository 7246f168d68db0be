"""What a model file says about itself: enough to rebuild the generators and to tell a user what they are."""

import json
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, Literal

from ganvas.errors import DataError, FileError

LabelKind = Literal["none", "class", "attributes"]
MAX_HEADER_BYTES = 1_000_000
CARD_DEPTH = 4
MAX_GENERATORS = 16
PLANES = ("mask", "strength")
"""What a network may be given besides a photograph."""
MAX_SCALE, MAX_STRIDE_PX, MAX_RADIUS_PX = 8, 256, 4096


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
class PhotoSpec:
    """How a network is laid over a photograph.

    Attributes:
        scale: Output side / input side.
        stride_px: Input sides and tile origins must be multiples of it.
        radius_px: How many input pixels an output pixel depends on, to each side.
        inputs: Planes besides the picture, in order; each one of `PLANES`.
    """

    scale: int
    stride_px: int
    radius_px: int
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Descriptor:
    """A trained model's typed description.

    Attributes:
        task: The task it was trained for.
        size: Height and width of its pictures, pixels.
        channels: 1, 3 or 4.
        latent_dim: Length of its latent vectors; 0 for a model of photographs.
        generators: The generators by name.
        labels: What its condition means.
        card: Training facts in plain values: data, images seen, recipe, seed, versions.
        photo: How it is laid over a photograph; None for a model that paints from latents. Its ``size`` is then that
            of the crops it was trained on.
    """

    task: str
    size: tuple[int, int]
    channels: int
    latent_dim: int
    generators: Mapping[str, GeneratorSpec]
    labels: LabelSpec = LabelSpec()
    card: Mapping[str, Any] = field(default_factory=dict)
    photo: PhotoSpec | None = None

    def to_json(self) -> str:
        """The descriptor as JSON text.

        Raises:
            DataError: It would be too large to be read again.
        """
        if len(self.generators) > MAX_GENERATORS:
            raise DataError(f"{len(self.generators)} generators are too many for a model; {MAX_GENERATORS} fit in.")
        text = json.dumps(asdict(self))
        if len(text) > MAX_HEADER_BYTES:
            raise DataError(
                f"{len(self.labels.names)} labels are too many to describe in a model; use fewer or shorter."
            )
        return text

    @staticmethod
    def from_json(text: str, origin: str) -> "Descriptor":
        """Read a descriptor that may have been written by anybody.

        Raises:
            FileError: It is too large, no JSON, describes more than `MAX_GENERATORS`, or a field is missing or of the
                wrong kind.
        """
        if len(text) > MAX_HEADER_BYTES:
            raise FileError(f"The description in '{origin}' has {len(text)} characters; a model's has under 1 MB.")
        try:
            raw = _object(json.loads(text))
            height, width = _list(raw["size"])
            generators = _generators(_object(raw["generators"]))
            photo = _photo(raw.get("photo"))
            return Descriptor(
                task=_text(raw["task"]),
                size=(_count(height), _count(width)),
                channels=_count(raw["channels"]),
                latent_dim=_count(raw["latent_dim"], least=0 if photo else 1),
                generators=generators,
                labels=_labels(_object(raw["labels"])),
                card=_flat(_object(raw["card"])),
                photo=photo,
            )
        except (LookupError, ValueError, TypeError, OverflowError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise FileError(f"The description in '{origin}' is damaged ({reason}); get the file again.") from error


def _generators(raw: Mapping[str, Any]) -> dict[str, GeneratorSpec]:
    if len(raw) > MAX_GENERATORS:
        raise ValueError(f"there are {len(raw)} generators, and a model has at most {MAX_GENERATORS}")
    specs = {name: _object(spec) for name, spec in raw.items()}
    return {
        name: GeneratorSpec(_text(spec["architecture"]), _object(spec["arguments"])) for name, spec in specs.items()
    }


def _photo(raw: object) -> PhotoSpec | None:
    if raw is None:
        return None
    spec = _object(raw)
    inputs = tuple(_text(name) for name in _list(spec["inputs"]))
    if len(set(inputs)) != len(inputs) or not set(inputs) <= set(PLANES):
        raise ValueError(f"{reprlib.repr(inputs)} are no planes besides a photograph")
    return PhotoSpec(
        scale=_count(spec["scale"], most=MAX_SCALE),
        stride_px=_count(spec["stride_px"], most=MAX_STRIDE_PX),
        radius_px=_count(spec["radius_px"], least=0, most=MAX_RADIUS_PX),
        inputs=inputs,
    )


def _labels(raw: Mapping[str, Any]) -> LabelSpec:
    kind, names = _kind(raw["kind"]), tuple(_text(name) for name in _list(raw["names"]))
    mean, std = (tuple(_number(value) for value in _list(raw[key])) for key in ("mean", "std"))
    if (kind == "none") != (not names) or len(set(names)) != len(names):
        raise ValueError(f"{len(names)} names do not fit labels of the kind '{kind}', or one comes twice")
    scaled = len(names) if kind == "attributes" else 0
    if (len(mean), len(std)) != (scaled, scaled) or min(std, default=1.0) <= 0:
        raise ValueError("means and standard deviations do not fit the labels")
    return LabelSpec(kind, names, mean, std)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{reprlib.repr(value)} is no object")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{reprlib.repr(value)} is no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{reprlib.repr(value)} is no text")
    return value


def _count(value: object, least: int = 1, most: int = 65536) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{reprlib.repr(value)} is not a whole number from {least} to {most}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value):
        raise ValueError(f"{reprlib.repr(value)} is not a finite number")
    return float(value)


def _kind(value: object) -> LabelKind:
    if value == "none" or value == "class" or value == "attributes":
        return value
    raise ValueError(f"{reprlib.repr(value)} is no kind of label")


def _flat(value: dict[str, Any], depth: int = CARD_DEPTH) -> dict[str, Any]:
    """The same, unless lists and objects in it lie too deep inside each other."""
    layer: list[Any] = [value]
    for _ in range(depth):
        inner = [item for item in layer if isinstance(item, (dict, list))]
        layer = [child for item in inner for child in (item.values() if isinstance(item, dict) else item)]
    if any(isinstance(item, (dict, list)) for item in layer):
        raise ValueError(f"the card has more than {depth} layers")
    return value
