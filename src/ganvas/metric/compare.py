"""Two results side by side: which generator is better, and could chance have done it?

The test takes the two errors as independent. Both results share their reals, so a part of both errors is common and
leaves the difference: the error of a difference is stated too large rather than too small, and the test is
conservative. Several scores are tested at once; Holm's correction (Holm 1979, "A simple sequentially rejective
multiple test procedure") keeps the chance of any false finding below 5 %.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganvas.errors import FileError, UsageError
from ganvas.metric.fields import Fields
from ganvas.metric.score import Score
from ganvas.metric.stamp import Stamp, differences

ALPHA = 0.05
MAX_RESULT_BYTES = 4 << 20
BETTER = ("lower", "higher", "")


@dataclass(frozen=True)
class Result:
    """What an evaluation found, as its JSON file holds it.

    Attributes:
        ganvas: Version that measured it.
        subject: What was evaluated: a run, a model, a folder.
        stamp: How it was measured.
        scores: Each name once.
        floors: By a score's name, what one half of the reals scores against the other.
    """

    ganvas: str
    subject: str
    stamp: Stamp
    scores: tuple[Score, ...]
    floors: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `read_result` reads them."""
        scores = [{**score.to_dict(), "floor": self.floors.get(score.name)} for score in self.scores]
        return {"ganvas": self.ganvas, "subject": self.subject, "stamp": self.stamp.to_dict(), "scores": scores}


@dataclass(frozen=True)
class Difference:
    """One score of two results, A and B.

    Attributes:
        name: The score's.
        a: A's score, the corrected one where both have it.
        b: B's, likewise.
        corrected: Whether these are bias-corrected.
        difference: ``b - a``.
        error: Standard error of the difference; None where a score has none, or neither varies at all.
        z: Difference in standard errors; None where there is no error.
        p: Two-sided probability of a difference as large by chance, after Holm's correction; None likewise.
        significant: ``p`` is at most 5 %; False where there is no error.
        verdict: The same in words.
    """

    name: str
    a: float
    b: float
    corrected: bool
    difference: float
    error: float | None
    z: float | None
    p: float | None
    significant: bool
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def read_result(path: Path) -> Result:
    """Read a result that may have been written by anybody.

    Further fields of the file and of its scores are ignored; those of the stamp are not.

    Raises:
        FileError: It cannot be read, has more than `MAX_RESULT_BYTES`, is no JSON, or a field is missing or wrong.
    """
    origin = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RESULT_BYTES + 1)
    except OSError as error:
        raise FileError(f"Cannot read '{path}' ({error.strerror or error}); give a file of results.") from error
    if len(data) > MAX_RESULT_BYTES:
        raise FileError(
            f"'{path}' has more than {MAX_RESULT_BYTES >> 20} MB, so it holds no result; give another file."
        )
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileError(f"'{path}' is no JSON ({error}); give a file that `ganvas evaluate --json` wrote.") from error
    fields = Fields.of(raw, origin)
    listed = fields.items("scores")
    scores = tuple(_read_score(item) for item in listed)
    names = [score.name for score in scores]
    for name in names:
        if names.count(name) > 1:
            raise FileError(f"'{path}' has the score {name!r} more than once; evaluate again to replace it.")
    floors = {item.text("name"): item.optional_number("floor") for item in listed}
    return Result(
        ganvas=fields.text("ganvas"),
        subject=fields.text("subject"),
        stamp=Stamp.from_dict(fields.inner("stamp").values, origin),
        scores=scores,
        floors={name: floor for name, floor in floors.items() if floor is not None},
    )


def compare(a: Result, b: Result) -> list[Difference]:
    """Every score that both results have, in A's order.

    The error of a difference is ``sqrt(e_a^2 + e_b^2)``; z is measured against a normal distribution.

    Raises:
        UsageError: The stamps differ, no score is in both, or a score is better lower in one and higher in the other.
    """
    _refuse_different(a.stamp, b.stamp)
    others = {score.name: score for score in b.scores}
    both = [(score, others[score.name]) for score in a.scores if score.name in others]
    if not both:
        raise UsageError(
            f"'{a.subject}' and '{b.subject}' have no score in common; evaluate both with the same options."
        )
    for left, right in both:
        if left.better != right.better:
            raise UsageError(
                f"'{left.name}' is better {left.better or 'nowhere'} in A and {right.better or 'nowhere'} in B; "
                "evaluate both with the same ganvas."
            )
    errors = [_joint_error(left, right) for left, right in both]
    values = [_values(left, right) for left, right in both]
    z_scores = [(v - u) / error if error else None for (u, v), error in zip(values, errors, strict=True)]
    corrected_p = iter(holm([math.erfc(abs(z) / math.sqrt(2)) for z in z_scores if z is not None]))
    found = []
    for (left, right), (u, v), error, z in zip(both, values, errors, z_scores, strict=True):
        p = None if z is None else next(corrected_p)
        significant = p is not None and p <= ALPHA
        verdict = _verdict(left.better, v - u, p)
        corrected = left.corrected is not None and right.corrected is not None
        found.append(Difference(left.name, u, v, corrected, v - u, error, z, p, significant, verdict))
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: those at most alpha are rejected together, with a chance of alpha of any error.

    With ``p_(1) <= ... <= p_(m)``, the adjusted ``p_(i)`` is ``max_{j <= i} min((m - j + 1) p_(j), 1)`` (Holm 1979).
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min((len(p_values) - rank) * p_values[index], 1.0))
        adjusted[index] = largest
    return adjusted


def _refuse_different(a: Stamp, b: Stamp) -> None:
    names = differences(a, b)
    if names:
        left, right = a.to_dict(), b.to_dict()
        told = ", ".join(f"{name} ({left[name]!r} against {right[name]!r})" for name in names)
        raise UsageError(
            f"The two results were not measured alike, so they are not compared: they differ in {told}; "
            "evaluate both with the same options."
        )


def _joint_error(a: Score, b: Score) -> float | None:
    if a.error is None or b.error is None:
        return None
    return math.hypot(a.error, b.error) or None


def _values(a: Score, b: Score) -> tuple[float, float]:
    """The corrected values where both have them: bias depends on how the fakes vary, so it does not cancel."""
    if a.corrected is not None and b.corrected is not None:
        return a.corrected, b.corrected
    return a.value, b.value


def _verdict(better: str, difference: float, p: float | None) -> str:
    if difference == 0:
        return "no difference"
    larger = "B" if difference > 0 else "A"
    smaller = "A" if difference > 0 else "B"
    side = {"lower": f"{smaller} is better", "higher": f"{larger} is better"}.get(better, f"{larger} is higher")
    if p is None:
        return f"{side}, but without an error nobody knows whether by chance"
    return side if p <= ALPHA else "no difference beyond chance"


def _read_score(fields: Fields) -> Score:
    return Score(
        name=fields.text("name"),
        value=fields.number("value"),
        error=fields.optional_number("error", least=0),
        corrected=fields.optional_number("corrected"),
        better=fields.choice("better", BETTER),
        note=fields.text("note"),
    )
