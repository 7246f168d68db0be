"""The weight of R1 and R2 where nobody gave one."""

AREA_A_GAMMA = 128
"""Pixels that the weight grows by one with; see the sweep in `docs/measurements.md`. It holds for patch critics, too:
the mean over more patches has a smaller gradient, and with an eighth of this weight the pictures' colours drift."""


def gamma_rule(area: int) -> float:
    """The weight at the start, from the number of pixels, to two digits."""
    return float(f"{area / AREA_A_GAMMA:.2g}")
