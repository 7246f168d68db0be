"""How an option is said once: field, type, default and help in one place.

A settings class is a frozen dataclass whose fields are made by `option`. An option without a default is chosen
by the planner when nobody gave it. Command line flags, presets, configuration files, the run's record and the
reference page all derive from these fields; `parse` is the one door through which outside values come in.
"""

import operator
import tomllib
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from ganvas.errors import FileError, UnknownName, UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Size = tuple[int, int]


def option(
    text: str,
    *,
    default: Any = MISSING,
    flag: str | None = None,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> Any:
    """A dataclass field with its help text and range; ``flag`` names the command line flag where it differs."""
    metadata = {"help": text, "flag": flag, "above": above, "least": least, "below": below, "most": most}
    if default is MISSING:
        return field(metadata=metadata, kw_only=True)
    return field(default=default, metadata=metadata, kw_only=True)


BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "above": (operator.gt, "must be above"),
    "least": (operator.ge, "must be at least"),
    "below": (operator.lt, "must be below"),
    "most": (operator.le, "may be at most"),
}
"""What an option may say of its range: the comparison that holds inside, and its words."""


def check_ranges(settings: "DataclassInstance") -> None:
    """Refuse a value outside of its option's range.

    Raises:
        UsageError: Names the flag, its value and the range.
    """
    for item in fields(settings):
        value = getattr(settings, item.name)
        for name, (holds, words) in BOUNDS.items():
            limit = item.metadata[name]
            if limit is not None and not holds(value, limit):  # a NaN holds nowhere
                flag = (item.metadata["flag"] or item.name).replace("_", "-")
                raise UsageError(f"--{flag} is {value}, but it {words} {limit}.")


@dataclass(frozen=True)
class Option:
    """One option as the command line and the documents see it."""

    name: str
    flag: str
    kind: Any
    default: Any
    text: str

    @property
    def planned(self) -> bool:
        """Whether the planner chooses it when nobody gave it."""
        return self.default is MISSING


def options_of(settings: type) -> Iterator[Option]:
    """The options of one settings class, in order."""
    kinds = get_type_hints(settings)
    declared: tuple[Field[Any], ...] = fields(settings)
    for item in declared:
        flag = item.metadata["flag"] or item.name
        yield Option(item.name, "--" + flag.replace("_", "-"), kinds[item.name], item.default, item.metadata["help"])


def parse(settings: tuple[type, ...], values: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Check values from outside against the options of several settings classes.

    Args:
        settings: The settings classes whose options may be given.
        values: Option names (or flag names, dashes allowed) and plain values.
        origin: Where they came from, for the error: a file name or "the command line".

    Returns:
        Option names and values of the declared types.

    Raises:
        UsageError: An unknown key, one that is given twice or a value of the wrong type, named with its origin.
    """
    known = {opt.name: opt for cls in settings for opt in options_of(cls)}
    by_flag = {opt.flag.removeprefix("--").replace("-", "_"): opt for opt in known.values()}
    parsed: dict[str, Any] = {}
    for key, value in values.items():
        opt = by_flag.get(key.replace("-", "_")) or known.get(key.replace("-", "_"))
        if opt is None:
            raise UnknownName("option", key, by_flag, f"in {origin}")
        if opt.name in parsed:
            raise UsageError(f"{opt.flag} is given twice in {origin}; keep one of them.")
        parsed[opt.name] = convert(value, opt, origin)
    return parsed


def read_toml(path: Path) -> dict[str, Any]:
    """The options in a TOML file.

    Raises:
        FileError: It cannot be read or is no TOML.
        UsageError: It has tables.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise FileError(f"The configuration '{path}' cannot be read ({why}); give a TOML file of options.") from error
    return parse_toml(text, f"'{path}'")


def parse_toml(text: str, origin: str) -> dict[str, Any]:
    """The flat keys of a TOML text; tables are refused because options have no sections."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{origin} is not TOML: {error}.") from error
    for key, value in content.items():
        if isinstance(value, dict):
            raise UsageError(f"{origin} has a table [{key}], but options are flat; write its keys at the top.")
    return content


def convert(value: Any, opt: Option, origin: str) -> Any:
    """One plain value as the option's declared type."""
    try:
        return _convert(value, opt.kind)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{opt.flag} is {value!r} in {origin}, but {error}.") from error


def _convert(value: Any, kind: Any) -> Any:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in choices:
            raise ValueError(f"it must be one of: {', '.join(map(str, choices))}")
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _convert(value, next(c for c in choices if c is not type(None)))
    if kind == Size:
        return parse_size(value)
    if origin is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, (list, tuple)):
            raise TypeError("it must be a list, or names separated by commas")
        return tuple(_convert(item, choices[0]) for item in value)
    return _scalar(value, kind)


def _scalar(value: Any, kind: Any) -> Any:
    if kind is bool:
        if not isinstance(value, bool):
            raise TypeError("it must be true or false")
        return value
    if kind is str:
        if not isinstance(value, str):
            raise TypeError("it must be text")
        return value
    return _whole(value) if kind is int else float(_number(value))


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError("it must be a whole number")
    return int(number)


def _number(value: Any) -> int | float:
    """Whole numbers stay whole: above 2^53 a float would change them."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError("it must be a number")
    try:
        number = _read(value) if isinstance(value, str) else value
        finite = isfinite(number)
    except ValueError:
        raise ValueError("it must be a number") from None
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError("it must be a finite number")
    return number


def _read(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def parse_size(value: Any) -> Size:
    """``256``, ``"256"``, ``"192x320"`` (height x width) or ``[192, 320]`` as ``(height, width)`` in pixels."""
    parts = value.lower().split("x") if isinstance(value, str) else value
    try:
        sides = [_whole(part) for part in (parts if isinstance(parts, (list, tuple)) else [parts])]
    except (TypeError, ValueError):
        sides = []
    if len(sides) == 1:
        sides *= 2
    if len(sides) != 2 or not all(1 <= side <= 8192 for side in sides):
        raise ValueError("a size is a side in pixels such as 256, or height x width such as 192x320")
    return sides[0], sides[1]
