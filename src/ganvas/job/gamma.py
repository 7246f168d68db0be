"""The weight of R1 and R2 where nobody gave one."""

AREA_A_GAMMA = 128
"""Pixels that the weight grows by one with; see the sweep in `docs/measurements.md`. Patch critics take it, too,
though what suits them best was not swept."""


def gamma_rule(area: int) -> float:
    """The weight at the start, from the number of pixels, to two digits."""
    return float(f"{area / AREA_A_GAMMA:.2g}")
