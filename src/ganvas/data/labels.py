"""What is known of each picture besides its pixels: a class, or numeric attributes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganvas.data.archive import ARCHIVE_ERRORS, reason_of
from ganvas.data.array import ArrayFile, read_idx, read_npy
from ganvas.data.item import first_few
from ganvas.data.source import Source
from ganvas.data.table import Table, parse_table
from ganvas.errors import DataError

MAX_TABLE_BYTES = 256 << 20
NAMES_FILE = "label-names.txt"
CLASS_COLUMNS = ("class", "label")


@dataclass(frozen=True)
class Labels:
    """Labels of N pictures, in the order of their names.

    Attributes:
        kind: ``"none"``, ``"class"`` or ``"attributes"``.
        names: The K class names, sorted (whole numbers by value), or attribute names in the table's order.
        values: Of classes the number of each picture's class, int64 ``(N,)``. Of attributes what the table
            says, float64 ``(N, K)``; `condition` scales them. Empty ``(N, 0)`` for none.
        origin: Where they come from, or why there are none, in words for the user.
    """

    kind: Literal["none", "class", "attributes"]
    names: tuple[str, ...]
    values: NDArray[Any]
    origin: str

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Of attributes: the mean of each over the pictures, ``(K,)``."""
        return np.asarray(self.values.mean(0))

    @cached_property
    def std(self) -> NDArray[np.float64]:
        """Of attributes: the standard deviation of each over the pictures, ``(K,)``."""
        return np.asarray(self.values.std(0))

    def counts(self) -> dict[str, int]:
        """Of classes: how many pictures each one has."""
        found = np.bincount(self.values, minlength=len(self.names))
        return dict(zip(self.names, found.tolist(), strict=True))

    def condition(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """What a network is given for some pictures, ``(len(rows), K)``.

        One-hot classes, or attributes scaled to zero mean and unit variance over all N pictures.
        """
        chosen = self.values[rows]
        if self.kind == "attributes":
            return np.asarray((chosen - self.mean) / self.std, np.float32)
        return np.asarray(chosen.reshape(len(rows), -1) == np.arange(len(self.names)), np.float32)

    def select(self, rows: Sequence[int]) -> "Labels":
        """The labels of some of the pictures; a class that loses all of its pictures is gone."""
        kept = self.values[list(rows)]
        if self.kind == "class":
            return class_labels([self.names[number] for number in kept], self.origin)
        if self.kind == "attributes":
            return attribute_labels(self.names, kept, self.origin)
        return no_labels(len(rows), self.origin)


def no_labels(count: int, origin: str) -> Labels:
    """Nothing is known of ``count`` pictures."""
    return Labels("none", (), np.zeros((count, 0)), origin)


def class_labels(classes: Sequence[str], origin: str) -> Labels:
    """One class name a picture.

    Raises:
        DataError: All pictures are of one class.
    """
    names = sorted(set(classes), key=_by_value)
    if len(names) < 2:
        raise DataError(f"All pictures are of the class '{names[0]}' ({origin}); use --labels none.")
    number = {name: position for position, name in enumerate(names)}
    return Labels("class", tuple(names), np.array([number[name] for name in classes], np.int64), origin)


def attribute_labels(names: Sequence[str], values: NDArray[Any], origin: str) -> Labels:
    """K numbers a picture, ``(N, K)``.

    Raises:
        DataError: A number is not finite, or the same for all pictures.
    """
    for name, column in zip(names, values.T, strict=True):
        if not np.isfinite(column).all():
            raise DataError(f"The attribute '{name}' ({origin}) has values that are not finite; fill the gaps.")
        if np.ptp(column) == 0:
            raise DataError(f"The attribute '{name}' ({origin}) never changes; remove its column.")
    return Labels("attributes", tuple(names), values.astype(np.float64), origin)


def read_labels(source: Source, mode: str = "auto") -> Labels:
    """The labels of all pictures of a source.

    Args:
        source: The pictures.
        mode: ``"none"``; ``"folders"``, where the first folder of each name is its class; the path of a CSV
            table; or ``"auto"``: ``labels.csv`` in the root of the source, else the labels file beside an idx
            or ``.npy`` file, else sub-folders where every picture lies in one and there are two or more, else
            none. A table has a column ``file`` and either ``class`` or any number of numeric attributes.

    Raises:
        DataError: The labels do not fit the pictures.
    """
    if mode == "none":
        return no_labels(len(source.names), "labels were not asked for")
    if mode == "folders":
        return _from_folders(source.names)
    if mode != "auto":
        return _from_table(parse_table(_read(Path(mode)), source.names, mode), source.names, mode)
    if isinstance(source, ArrayFile):
        return _from_neighbour(source)
    try:
        with source.open_table() as stream:
            data = stream.read(MAX_TABLE_BYTES)
    except FileNotFoundError:
        return _from_folders_if_any(source.names)
    except ARCHIVE_ERRORS as error:
        raise DataError(f"The labels.csv in '{source.path}' cannot be read ({reason_of(error)}).") from error
    return _from_table(parse_table(data, source.names, "labels.csv"), source.names, "labels.csv")


def _from_table(table: Table, names: Sequence[str], origin: str) -> Labels:
    classes = [column for column in table.columns if column.lower() in CLASS_COLUMNS]
    if not classes:
        return attribute_labels(table.columns, _numbers(table, names, origin), origin)
    if len(table.columns) > 1:
        raise DataError(f"{origin} has the column '{classes[0]}' and others; keep it alone or leave it out.")
    unnamed = [name for name, (text,) in zip(names, table.cells, strict=True) if not text]
    if unnamed:
        raise DataError(f"{origin} gives no class for {first_few(unnamed)}; fill the gaps.")
    return class_labels([text for (text,) in table.cells], origin)


def _numbers(table: Table, names: Sequence[str], origin: str) -> NDArray[np.float64]:
    values = np.empty((len(names), len(table.columns)))
    for row, cells in enumerate(table.cells):
        for column, text in enumerate(cells):
            try:
                values[row, column] = float(text)
            except ValueError:
                raise DataError(
                    f"{origin} gives '{text}' as '{table.columns[column]}' of '{names[row]}', which is not a "
                    "number; name the column 'class' if it holds classes."
                ) from None
    return values


def _read(table: Path) -> bytes:
    try:
        with table.open("rb") as stream:
            return stream.read(MAX_TABLE_BYTES)
    except OSError as error:
        raise DataError(
            f"The labels '{table}' cannot be read ({error.strerror}); give auto, none, folders or a CSV file."
        ) from error


def _from_folders(names: Sequence[str]) -> Labels:
    loose = [name for name in names if "/" not in name]
    if loose:
        raise DataError(
            f"{len(loose)} pictures lie outside of sub-folders ({first_few(loose)}) and so have no class; "
            "move them into one."
        )
    return class_labels([name.partition("/")[0] for name in names], "sub-folders")


def _from_folders_if_any(names: Sequence[str]) -> Labels:
    loose = sum("/" not in name for name in names)
    if 0 < loose < len(names):
        return no_labels(len(names), f"{loose} of {len(names)} pictures lie outside of sub-folders")
    if loose or len({name.partition("/")[0] for name in names}) < 2:
        return no_labels(len(names), "there are no sub-folders to tell apart, and there is no labels.csv")
    return _from_folders(names)


def _from_neighbour(source: ArrayFile) -> Labels:
    """Labels in the file whose name follows from that of the pictures."""
    count = len(source.names)
    path = _labels_path(source)
    if path is None:
        return no_labels(count, "there is no labels file beside the pictures")
    values = read_idx(path) if source.kind == "idx" else read_npy(path)
    kinds = {1: "biufU", 2: "biuf"}.get(values.ndim, "")
    if values.dtype.kind not in kinds or len(values) != count:
        raise DataError(
            f"'{path}' holds {values.dtype} of shape {values.shape}, but must hold one label for each of "
            f"{count} pictures: whole numbers or names (N,) for classes, numbers (N, K) for attributes."
        )
    if values.ndim == 1 and values.dtype.kind in "biu":
        return class_labels(_named(values, path.with_name(NAMES_FILE)), path.name)
    if values.ndim == 1 and values.dtype.kind == "U":
        return class_labels(values.tolist(), path.name)
    table = values.reshape(count, -1)
    return attribute_labels([f"attribute{column}" for column in range(table.shape[1])], table, path.name)


def _named(numbers: NDArray[Any], path: Path) -> list[str]:
    """Classes by the names a text file beside them gives, one a line from number 0 on, where there is one."""
    if not path.is_file():
        return [str(number) for number in numbers]
    names = _read(path).decode("utf-8", "replace").splitlines()
    if not 0 <= int(numbers.min()) <= int(numbers.max()) < len(names):
        raise DataError(
            f"'{path}' has {len(names)} lines, but classes go up to {numbers.max()}; add the missing names."
        )
    return [names[number] for number in numbers]


def _labels_path(source: ArrayFile) -> Path | None:
    """``x.labels.npy`` for ``x.npy``; ``labels-idx1-ubyte`` for ``images-idx3-ubyte``, packed or not."""
    if source.kind == "npy":
        candidates = [source.path.with_suffix(".labels.npy")]
    else:
        name = source.path.name.removesuffix(".gz").replace("images", "labels")
        name = name.replace("idx3", "idx1").replace("idx4", "idx1")
        candidates = [source.path.with_name(name), source.path.with_name(f"{name}.gz")]
    return next((path for path in candidates if path != source.path and path.is_file()), None)


def _by_value(name: str) -> tuple[float, str]:
    return (int(name) if name.isdecimal() and len(name) < 16 else math.inf, name)
