"""A score as a user reads it, and what features must be like to be scored."""

from dataclasses import asdict, dataclass
from statistics import NormalDist

from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.moments import check_widths


@dataclass(frozen=True)
class Score:
    """One number with what is known of its error.

    Attributes:
        name: What was measured.
        value: As the papers define it, sampling bias included.
        error: Its standard error over new samples of both sets; None where it is not known.
        corrected: The value without the bias of finite samples; None where there is none, or it is not known.
        better: ``lower``, ``higher``, or empty where neither is.
        note: A sentence that a reader needs in order not to be misled; mostly empty.
    """

    name: str
    value: float
    error: float | None
    corrected: float | None
    better: str
    note: str = ""

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Where the score of endless samples lies with this probability: normal, around ``corrected`` if known.

        Raises:
            UsageError: The level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise UsageError(f"An interval cannot have the level {level:g}; give one between 0 and 1, such as 0.95.")
        if self.error is None:
            return None
        centre = self.value if self.corrected is None else self.corrected
        reach = NormalDist().inv_cdf((1 + level) / 2) * self.error
        return centre - reach, centre + reach

    def to_dict(self) -> dict[str, str | float | None]:
        """The fields as plain values, by name."""
        return asdict(self)


def check_features(fakes: Tensor, reals: Tensor) -> None:
    """Refuse what gives no honest score.

    Args:
        fakes: ``(N, D)``.
        reals: ``(M, D)``.

    Raises:
        UsageError: The two have different D.
        DataError: Fewer than two pictures, numbers that are not finite, or one picture repeated.
    """
    check_widths(fakes.shape[1], reals.shape[1])
    for name, features in (("fakes", fakes), ("reals", reals)):
        check_finite(name, features, "features")
        if (features == features[0]).all():
            raise DataError(
                f"All {len(features)} {name} have the same features, as if one picture were repeated; "
                "give pictures that differ."
            )


def check_finite(name: str, rows: Tensor, kind: str) -> None:
    """Refuse fewer than two rows, and any with a number that is not finite.

    Raises:
        DataError: Says which row.
    """
    if len(rows) < 2:
        raise DataError(f"A score needs at least two {name}, not {len(rows)}; give more.")
    wrong = ~rows.isfinite().all(1)
    if wrong.any():
        row = int(wrong.nonzero()[0])
        raise DataError(
            f"{int(wrong.sum())} of {len(rows)} {name} have {kind} that are not finite (the first is number {row}); "
            "check the feature network's weights and these pictures."
        )
