"""The one door through which a network's name and arguments come in from outside.

A model file states its architecture as plain JSON values, and such a file may come from anybody. Names are
looked up in a plain dict, arguments are held against the constructor's own signature and against `LIMITS`, and the
network is first laid out without memory, to count its weights, before any is allocated.
"""

import inspect
import reprlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from torch import nn

from ganvas.errors import UnknownName, UsageError

CHOICES: dict[str, tuple[int, ...]] = {"channels": (1, 3, 4), "channels_out": (1, 3)}
"""The whole numbers of which a constructor takes only some."""

LIMITS: dict[str, tuple[int, int]] = {
    "size": (1, 8192),
    "latent_dim": (1, 8192),
    "label_dim": (0, 65536),
    "width": (1, 8192),
    "max_width": (1, 8192),
    "widths": (1, 8192),
    "group_width": (1, 8192),
    "blocks": (1, 32),
    "depth": (1, 32),
    "scale": (1, 8),
    "scales": (1, 6),
    "dilations": (1, 16),
    "planes": (0, 16),
}
"""Smallest and largest value of every other whole number a constructor takes."""

MAX_LENGTH = 16
"""Largest number of values of a list."""

MAX_PARAMETERS = 500_000_000
"""2 GB in float32, and five times the largest generator of the R3GAN paper."""


def build(kind: str, classes: Mapping[str, type[nn.Module]], name: str, arguments: Mapping[str, object]) -> nn.Module:
    """A freshly initialised network from values that nobody vouches for.

    Args:
        kind: What it is, for error messages: "generator", "discriminator" or "network".
        classes: Classes by name, each with keyword-only arguments.
        name: A key of ``classes``.
        arguments: The constructor's arguments; lists may stand for tuples.

    Raises:
        UnknownName: There is no such class.
        UsageError: An argument is unknown, missing, of the wrong type, or out of `LIMITS`; or the network would
            have more than `MAX_PARAMETERS` weights.
    """
    if name not in classes:
        raise UnknownName(kind, reprlib.repr(name).strip("'"), classes)
    network, subject = classes[name], f"the {kind} '{name}'"
    checked = check_arguments(network, arguments, subject)
    count = count_weights(network, **checked)  # type: ignore[arg-type]  # a class has a hash
    if count > MAX_PARAMETERS:
        raise UsageError(
            f"With these arguments {subject} would have {count / 1e6:,.0f} million weights, above the limit of "
            f"{MAX_PARAMETERS / 1e6:,.0f} million; choose a smaller width or size."
        )
    return network(**checked)


@lru_cache(maxsize=64)
def count_weights(network: Callable[..., nn.Module], **arguments: Any) -> int:
    """How many weights a network would have, laid out on the meta device: nothing is allocated or drawn."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in network(**arguments).parameters())


def check_arguments(network: type[nn.Module], arguments: Mapping[str, object], subject: str) -> dict[str, Any]:
    """The arguments with lists turned into tuples, refused where the constructor could not use them.

    Args:
        network: A class with keyword-only, annotated arguments.
        arguments: Values by name.
        subject: What is being built, for error messages.

    Raises:
        UsageError: An argument is unknown, missing, of the wrong type, or out of `LIMITS`.
    """
    parameters = inspect.signature(network).parameters
    kinds = get_type_hints(network.__init__)
    for name in arguments:
        if name not in parameters:
            raise UsageError(
                f"There is no argument {reprlib.repr(name)} of {subject}; it takes {', '.join(parameters)}."
            )
    for name, parameter in parameters.items():
        if name not in arguments and parameter.default is parameter.empty:
            raise UsageError(f"The argument '{name}' of {subject} is missing; give {wanted(name, kinds[name])}.")
    checked = {name: _plain(value) for name, value in arguments.items()}
    for name, value in checked.items():
        if not fits(name, kinds[name], value):
            raise UsageError(
                f"The argument '{name}' of {subject} is {reprlib.repr(arguments[name])}, "
                f"but must be {wanted(name, kinds[name])}."
            )
    return checked


def fits(name: str, kind: Any, value: object) -> bool:
    """Whether a value is of the annotated kind and within its limits."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if kind is bool:
        return isinstance(value, bool)
    if get_origin(kind) is tuple:
        items = get_args(kind)
        if not isinstance(value, tuple):
            return False
        if get_origin(items[0]) is Literal:
            return all(fits(name, items[0], item) for item in value) and len(set(value)) == len(value)
        if not 1 <= len(value) <= MAX_LENGTH:
            return False
        same_length = items[-1] is Ellipsis or len(value) == len(items)
        return same_length and all(fits(name, items[0], item) for item in value)
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    if name in CHOICES:
        return value in CHOICES[name]
    low, high = LIMITS[name]
    return low <= value <= high


def wanted(name: str, kind: Any) -> str:
    """What `fits` accepts, in words."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if kind is bool:
        return "true or false"
    if get_origin(kind) is tuple:
        items = get_args(kind)
        if get_origin(items[0]) is Literal:
            return "a list of none or some, each once, of " + ", ".join(get_args(items[0]))
        count = f"1 to {MAX_LENGTH}" if items[-1] is Ellipsis else str(len(items))
        return f"a list of {count} whole numbers from {LIMITS[name][0]} to {LIMITS[name][1]}"
    if name in CHOICES:
        *others, last = map(str, CHOICES[name])
        return f"{', '.join(others)} or {last}"
    return f"a whole number from {LIMITS[name][0]} to {LIMITS[name][1]}"


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
