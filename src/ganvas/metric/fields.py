"""The values of a JSON object that anybody may have written, each checked where it is read."""

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from ganvas.errors import FileError

LONGEST_TEXT = 4096
MOST_ENTRIES = 1000
LARGEST_WHOLE = 2**63 - 1


@dataclass(frozen=True)
class Fields:
    """A JSON object and where it comes from; every method raises FileError, in one sentence, for a field that is wrong.

    Attributes:
        values: The object as it was parsed.
        origin: The file it was read from, as errors name it.
    """

    values: Mapping[str, object]
    origin: str

    @staticmethod
    def of(value: object, origin: str) -> "Fields":
        """The fields of a whole file."""
        if not isinstance(value, dict):
            raise FileError(f"'{origin}' holds {reprlib.repr(value)}, not a JSON object; give a file of results.")
        return Fields(value, origin)

    def only(self, names: Sequence[str]) -> None:
        """Refuse a field that is not among `names`: what is not understood may matter."""
        for name in self.values:
            if name not in names:
                raise FileError(
                    f"'{self.origin}' has an unknown field {reprlib.repr(name)}; read it with the ganvas that wrote it."
                )

    def text(self, name: str) -> str:
        """A string of at most `LONGEST_TEXT` characters."""
        value = self._value(name)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise self._wrong(name, f"a text of at most {LONGEST_TEXT:,} characters")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of some strings."""
        value = self._value(name)
        if not isinstance(value, str) or value not in choices:
            raise self._wrong(name, f"one of {', '.join(map(repr, choices))}")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def whole(self, name: str, least: int = 0) -> int:
        """A whole number from `least` to `LARGEST_WHOLE`."""
        value = self._value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_WHOLE:
            raise self._wrong(name, f"a whole number from {least} on")
        return value

    def number(self, name: str, least: float = -inf) -> float:
        """A finite number, not below `least`."""
        value = self._value(name)
        # Neither NaN nor infinity is below a bound, and a whole number above it would overflow.
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**1023 and value >= least:
            return float(value)
        raise self._wrong(name, "a finite number" if least == -inf else f"a finite number from {least:g} on")

    def optional_number(self, name: str, least: float = -inf) -> float | None:
        """A finite number or null."""
        return None if self._value(name) is None else self.number(name, least)

    def inner(self, name: str) -> "Fields":
        """An object of at most `MOST_ENTRIES` fields."""
        value = self._value(name)
        if not isinstance(value, dict) or len(value) > MOST_ENTRIES:
            raise self._wrong(name, f"an object of at most {MOST_ENTRIES:,} fields")
        return Fields(value, self.origin)

    def items(self, name: str) -> list["Fields"]:
        """A list of at most `MOST_ENTRIES` objects."""
        value = self._value(name)
        if (
            not isinstance(value, list)
            or len(value) > MOST_ENTRIES
            or not all(isinstance(item, dict) for item in value)
        ):
            raise self._wrong(name, f"a list of at most {MOST_ENTRIES:,} objects")
        return [Fields(item, self.origin) for item in value]

    def _value(self, name: str) -> object:
        if name not in self.values:
            raise FileError(f"'{self.origin}' has no field '{name}'; give a file that `ganvas evaluate --json` wrote.")
        return self.values[name]

    def _wrong(self, name: str, wanted: str) -> FileError:
        found = reprlib.repr(self.values[name])
        return FileError(
            f"'{self.origin}' says {found} for '{name}' instead of {wanted}; evaluate again to replace it."
        )
