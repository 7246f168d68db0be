"""``ganvas compare``."""

from pathlib import Path

from ganvas.cli import show


def compare(a: Path, b: Path, /, *, json: bool = False) -> None:
    """Compare two results of ganvas evaluate: which is better, and could chance have done it?

    Parameters
    ----------
    a
        The JSON file of a result.
    b
        Another one, measured the same way.
    json
        Print one JSON object.
    """
    from ganvas.job.compare import compare_files

    found = compare_files(a, b)
    if json:
        show.as_json({"a": str(a), "b": str(b), "differences": [difference.to_dict() for difference in found]})
        return
    rows = [("score", "A", "B", "B - A", "p", "verdict")]
    for one in found:
        error = "" if one.error is None else f" ± {one.error:.2g}"
        chance = "" if one.p is None else f"{one.p:.3f}"
        rows.append((one.name, f"{one.a:.4g}", f"{one.b:.4g}", f"{one.difference:+.3g}{error}", chance, one.verdict))
    show.table(rows)
