"""Which photographs a command works on, and the name of what becomes of each."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ganvas.errors import FileError, UsageError
from ganvas.image.decode import EXTENSIONS
from ganvas.job.ledger import FAILED_FILE, FILE

_NOT_WRITTEN = frozenset({".gif", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga", ".psd", ".svg", ".pdf", ".dng"})
"""Kinds of pictures nobody calls a folder by."""


@dataclass(frozen=True)
class Entry:
    """One photograph to work on.

    Attributes:
        path: The file.
        name: Its path below the folder that was given, with slashes; the file's name where a file was given.
        output: Where its result goes, without a suffix: the format decides that.
        suffix: The suffix the user asked for by naming a file, or None.
        full: Whether the result's name has the photograph's own suffix in it already.
    """

    path: Path
    name: str
    output: Path
    suffix: str | None = None
    full: bool = False


@dataclass(frozen=True)
class PhotoFiles:
    """What a command works on.

    Attributes:
        entries: The photographs in the order of their names.
        folder: The folder results go to, which keeps the books of what is done; None for a single named file.
        single: Whether one photograph was given, and not a folder.
        others: The names of files of other kinds that the folder holds.
    """

    entries: tuple[Entry, ...]
    folder: Path | None
    single: bool
    others: tuple[str, ...] = ()


def find_photos(given: Path, out: Path) -> PhotoFiles:
    """The photographs at a path, and where their results go.

    A folder is gone through with all below it; hidden files and links to folders are passed over. Two photographs whose
    names differ by their suffix alone keep it inside the names of their results: ``a.jpg`` and ``a.png`` become
    ``a.jpg.png`` and ``a.png``.

    Args:
        given: A file or a folder.
        out: A folder; or, for a single file, the result itself if it has a picture's suffix.

    Raises:
        FileError: Nothing is there, or no picture is in it.
        UsageError: Results would lie among the photographs, or photographs among the results; or the result has the
            name of a picture that is not written, or of one where a folder must be.
    """
    if given.is_file():
        if out.suffix.lower() in EXTENSIONS and not out.is_dir():
            refuse_same(given, out, "the photograph")
            return PhotoFiles((Entry(given, given.name, out.with_suffix(""), out.suffix),), None, single=True)
        _refuse_unwritten(out)
        return PhotoFiles((Entry(given, given.name, out / given.stem),), out, single=True)
    if not given.is_dir():
        raise FileError(f"There is no photograph or folder '{given}'.")
    if out.suffix.lower() in EXTENSIONS and not out.is_dir():
        raise UsageError(f"--out is '{out}', a picture's name, but photographs come from a folder; give a folder.")
    _refuse_unwritten(out)
    _refuse_nested(given, out)
    names, others = _listed(given)
    if not names:
        raise FileError(f"The folder '{given}' holds no picture ({', '.join(sorted(EXTENSIONS))}).")
    results = _result_names(names)
    entries = (Entry(given / name, name, out / result, full=result == name) for name, result in results.items())
    return PhotoFiles(tuple(entries), out, single=False, others=tuple(others))


def beside(folder: Path, name: str, what: str) -> Path:
    """The file of a folder that belongs to a photograph: of its name with any picture suffix, or with one more.

    What a run kept beside its result, as in ``NAME.mask.png``, comes before what is named as the photograph is.

    Args:
        folder: Where masks are.
        name: The photograph's path below its own folder.
        what: What to call such a file, as in "mask".

    Raises:
        FileError: There is none, or more than one.
    """
    bare = PurePosixPath(_without_suffix(name))
    parent = folder / bare.parent
    names = (PurePosixPath(name).name.casefold(), bare.name.casefold())
    wanted = (*(f"{one}.{what}" for one in names), *names)
    files = sorted(parent.iterdir()) if parent.is_dir() else []
    pictures = [path for path in files if path.suffix.lower() in EXTENSIONS]
    for key in wanted:  # a.jpg.png is nearer to a.jpg than a.png is
        found = [path for path in pictures if path.stem.casefold() == key]
        if len(found) > 1:
            both = " and ".join(f"'{path.name}'" for path in found[:2])
            raise FileError(f"There is more than one {what} for '{name}' in '{folder}' ({both}); keep one of them.")
        if found:
            return found[0]
    raise FileError(f"There is no {what} for '{name}' in '{folder}'; save one there as '{bare}.png'.")


def _listed(root: Path) -> tuple[Sequence[str], Sequence[str]]:
    """The names of pictures and of other files, and of links to folders.

    Raises:
        FileError: A folder cannot be looked into.
    """
    names: list[str] = []
    others: list[str] = []

    def refuse(error: OSError) -> None:
        raise FileError(
            f"Cannot look into the folder '{error.filename}' ({error.strerror or error}); see that you may read it."
        ) from error

    for folder, below, files in os.walk(root, onerror=refuse):
        links = [Path(folder) / name for name in below if (Path(folder) / name).is_symlink()]
        others += [f"{link.relative_to(root).as_posix()} (a link to a folder)" for link in links]
        below[:] = sorted(name for name in below if not name.startswith(".") and name != "__MACOSX")
        for file in files:
            path = Path(folder) / file
            if file.startswith(".") or file in (FILE, FAILED_FILE):
                continue
            kind = names if path.suffix.lower() in EXTENSIONS else others
            kind.append(path.relative_to(root).as_posix())
    return sorted(names), sorted(others)


def _result_names(names: Sequence[str]) -> dict[str, str]:
    """What each result is called, without a suffix: the bare name, or the full one where others have the same."""
    results = {name: _without_suffix(name) for name in names}
    while True:
        counts = Counter(result.casefold() for result in results.values())
        shared = [name for name, result in results.items() if counts[result.casefold()] > 1 and result != name]
        if not shared:
            return results
        results |= {name: name for name in shared}


def _without_suffix(name: str) -> str:
    return name.removesuffix(PurePosixPath(name).suffix)


def refuse_same(given: Path, out: Path, what: str) -> None:
    """Refuse a result that would replace what it is made from.

    Raises:
        UsageError: It would.
    """
    if out.exists() and out.samefile(given):
        raise UsageError(f"--out is '{out}', which is {what} itself; choose another name.")


def _refuse_unwritten(out: Path) -> None:
    """Take no name of a picture for that of a folder."""
    if out.suffix.lower() in _NOT_WRITTEN and not out.is_dir():
        raise UsageError(
            f"--out ends in '{out.suffix}', which is not written; choose .png, .tif, .webp or .jpg, or a folder."
        )


def _refuse_nested(given: Path, out: Path) -> None:
    photographs, results = given.resolve(), out.resolve()
    if photographs == results or photographs in results.parents or results in photographs.parents:
        raise UsageError(
            f"--out is '{out}', and one of it and '{given}' lies in the other; choose a folder apart from the "
            "photographs, so that none is overwritten and no result is taken for one."
        )
