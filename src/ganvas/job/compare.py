"""The verb ``compare``: two results of `evaluate` side by side."""

from pathlib import Path

from ganvas.metric.compare import Difference, compare, read_result


def compare_files(a: Path, b: Path) -> list[Difference]:
    """Every score two result files share.

    Raises:
        FileError: One cannot be read or is no result.
        UsageError: They were not measured alike.
    """
    return compare(read_result(a), read_result(b))
