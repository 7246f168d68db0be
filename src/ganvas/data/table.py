"""A CSV table with one row a picture."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from ganvas.data.item import first_few
from ganvas.errors import DataError


class Table(NamedTuple):
    """The columns besides ``file``, and the cells of each picture in the order of the pictures."""

    columns: list[str]
    cells: list[list[str]]


def parse_table(data: bytes, names: Sequence[str], origin: str) -> Table:
    """Read a table whose first column is ``file`` and whose rows are exactly the pictures ``names``.

    Commas, semicolons and tabs separate; the text is UTF-8, with or without a byte order mark.

    Args:
        data: The table.
        names: The pictures, by their paths below the root.
        origin: What to call the table in an error.

    Raises:
        DataError: The table is malformed, or lacks pictures, or has other ones.
    """
    header, *body = _parse_csv(data, origin)
    header = [cell.strip() for cell in header]
    columns = header[1:]
    if header[0].lower() != "file" or not columns or "" in columns or len(set(columns)) < len(columns):
        raise DataError(
            f"The header of {origin} is '{','.join(header)}'; it must be 'file,class', or 'file' and the "
            "names of numeric attributes."
        )
    present = {_spelling(name) for name in names}
    rows: dict[str, list[str]] = {}
    for row in body:
        file = _spelling(row[0])
        if file not in present:  # a file's own name may begin or end with spaces
            file = _spelling(row[0].strip())
        if len(row) != len(header):
            raise DataError(
                f"The row of '{file}' in {origin} has {len(row)} cells, but the header has {len(header)}; "
                "make them equal."
            )
        if file in rows:
            raise DataError(f"{origin} has two rows for '{file}'; keep one.")
        rows[file] = [cell.strip() for cell in row[1:]]
    _require_same_pictures(set(rows), present, origin)
    return Table(columns, [rows[_spelling(name)] for name in names])


def _parse_csv(data: bytes, origin: str) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = [row for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{origin} is not a CSV table in UTF-8 ({error}); export it again.") from error
    if not rows:
        raise DataError(f"{origin} is empty; its first line must be 'file,class', or 'file' and attributes.")
    return rows


def _require_same_pictures(listed: set[str], present: set[str], origin: str) -> None:
    missing, extra = sorted(present - listed), sorted(listed - present)
    if missing:
        raise DataError(
            f"{origin} has no row for {len(missing)} of {len(present)} pictures ({first_few(missing)}); add them."
        )
    if extra:
        raise DataError(
            f"{origin} has rows for {len(extra)} files that are not among the pictures ({first_few(extra)}); "
            "remove them."
        )


def _spelling(name: str) -> str:
    """One spelling of a path: forward slashes, no leading ``./``, accents joined to their letters (NFC)."""
    return unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).as_posix())
