"""The books of a folder of results: what was begun and what is done, so that nothing is done twice or trusted blindly.

A line of JSON is appended for each picture before its file gets its name, and after. A line that a crash cut short is
passed over.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ganvas.data.claim import only_one
from ganvas.errors import FileError
from ganvas.files import file_hash, make_folder, remove_leftovers

FILE, LOCK = "ganvas-done.jsonl", ".lock"
FAILED_FILE = "ganvas-failed.txt"
"""Beside the books: what could not be done, and why."""
_WAY_OUT = "choose another --out"


@contextmanager
def books_of(folder: Path) -> Iterator["Ledger"]:
    """The books of a folder, which is made if need be, for this process alone; what killed ones left half is removed.

    Raises:
        FileError: Another process works on the folder, or it cannot be made, locked or written.
    """
    make_folder(folder, _WAY_OUT)
    taken = FileError(f"Another process is writing to the folder '{folder}'; wait for it, or {_WAY_OUT}.")
    with only_one(folder / LOCK, taken, _WAY_OUT):
        books = Ledger(folder)
        remove_leftovers(books.unfinished())
        try:
            yield books
        finally:
            books.close()


class Ledger:
    """The books of one folder.

    Raises:
        FileError: The folder cannot be written.
    """

    def __init__(self, folder: Path):
        self.path = folder / FILE
        try:
            with self.path.open("a", encoding="utf-8"):
                pass
            lines = self.path.read_bytes().splitlines()
        except OSError as error:
            raise _cannot_write(folder, error) from error
        self._done: dict[str, dict[str, Any]] = {}
        self._wrote: dict[str, dict[str, Any]] = {}
        self._made: dict[str, str | None] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._ours: set[str] = set()
        self._unfinished: set[str] = set()
        for line in lines:
            self._take(line)

    def is_done(self, name: str, key: str) -> bool:
        """Whether a photograph was finished from the same bytes with the same options, and its results are still so."""
        record = self._done.get(name)
        if record is None or record["key"] != key:
            return False
        folder = self.path.parent
        return all(sha256_of(folder / file) == hashed for file, hashed in record["files"].items())

    def receipt_of(self, name: str) -> dict[str, Any] | None:
        """What was done to a photograph that was finished, as far as it is known."""
        receipt = self._done.get(name, {}).get("receipt")
        return receipt if isinstance(receipt, dict) else None

    def why_kept(self, file: Path, source: str, verb: str) -> str | None:
        """Why a file of this name must not be replaced by what a verb makes of a photograph; None where it may be.

        It may be if it is not there, or is what this verb made of the photograph at this path.
        """
        name = self._name(file)
        if not file.exists():
            return None
        if name not in self._ours:
            return "was not made by this command"
        if name not in self._unfinished and self._made.get(name) != sha256_of(file):
            return "was changed since it was made"
        owner = self._owners.get(name, (source, verb))
        return None if owner == (source, verb) else f"was made by {owner[1]} of '{owner[0]}'"

    def files_of(self, name: str) -> list[Path]:
        """The results of a photograph that was finished."""
        return [self.path.parent / file for file in self._done.get(name, {"files": {}})["files"]]

    def unfinished(self) -> list[Path]:
        """The files that were begun and not finished since, as far as they lie in the folder."""
        inside = (file for file in sorted(self._unfinished) if not {"..", "/"} & set(PurePosixPath(file).parts))
        return [self.path.parent / file for file in inside]

    def begin(self, name: str, file: Path, source: str, verb: str) -> None:
        """Note that a file is about to be made of a photograph, at this path, by a verb."""
        self._append({"begun": name, "file": self._name(file), "source": source, "verb": verb})

    def wrote(self, file: Path, sha256: str) -> None:
        """Note a file that a user may edit, as it was made of the photograph with this hash."""
        self._append({"wrote": self._name(file), "sha256": sha256_of(file), "of": sha256})

    def is_of_another(self, file: Path, sha256: str) -> bool:
        """Whether a file that a user may edit was made of a photograph with another hash."""
        return bool(self._wrote.get(self._name(file), {}).get("of", sha256) != sha256)

    def is_edited(self, file: Path) -> bool:
        """Whether a file is there that is not as it was made: a user's, which counts more than ours."""
        name = self._name(file)
        if not file.exists():
            return False
        return self._wrote[name]["sha256"] != sha256_of(file) if name in self._wrote else name not in self._ours

    def close(self) -> None:
        """Note how the files that were begun and not finished are left: what a user makes of them later is kept."""
        with suppress(FileError):  # without a note all goes on as after a crash
            for file in sorted(self._unfinished):
                self._append({"left": file, "sha256": sha256_of(self.path.parent / file)})

    def finish(self, name: str, key: str, files: Sequence[Path], receipt: Mapping[str, Any]) -> None:
        """Note that a photograph is done, with the files made of it and what was done."""
        hashes = {self._name(file): sha256_of(file) for file in files}
        self._append({"done": name, "key": key, "files": hashes, "receipt": dict(receipt)})

    def _name(self, file: Path) -> str:
        return file.relative_to(self.path.parent).as_posix()

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record).encode()
        try:
            with self.path.open("ab") as file:
                file.write(b"\n" + line + b"\n")  # the first ends a line that was cut short
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _cannot_write(self.path.parent, error) from error
        self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(record, dict):
            return
        match record:
            case {"begun": str(), "file": str(file), **more}:
                self._ours.add(file)
                self._unfinished.add(file)
                if isinstance(more.get("source"), str) and isinstance(more.get("verb"), str):
                    self._owners[file] = more["source"], more["verb"]
            case {"wrote": str(file), "sha256": hashed}:
                self._wrote[file] = record
                self._made[file] = hashed
                self._ours.add(file)
                self._unfinished.discard(file)
            case {"left": str(file), "sha256": hashed}:
                self._unfinished.discard(file)
                if hashed is None:
                    self._ours.discard(file)
                else:
                    self._made[file] = hashed
            case {"done": str(name), "key": str(), "files": dict(files)}:
                for file in set(self._done.get(name, {"files": ()})["files"]).difference(files):
                    self._owners.pop(file, None)  # the photograph has results of other names now
                self._done[name] = record
                self._made.update(files)
                self._ours.update(files)
                self._unfinished.difference_update(files)


def sha256_of(file: Path) -> str | None:
    """SHA-256 of a file in hexadecimal; None where it cannot be read."""
    try:
        return file_hash(file)
    except OSError:
        return None


def key_of(parts: Mapping[str, Any]) -> str:
    """One key for everything that decides what a result is: hashes and options, plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _cannot_write(folder: Path, error: OSError) -> FileError:
    return FileError(f"Cannot write in the folder '{folder}' ({error.strerror or error}); {_WAY_OUT}.")
