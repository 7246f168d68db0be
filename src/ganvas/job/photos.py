"""Many photographs through one verb: what is done is skipped, one that fails is noted, and the rest is done."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from traceback import clear_frames
from typing import Any

from ganvas.apply.receipt import Receipt
from ganvas.data.item import MAX_ITEM_BYTES, first_few
from ganvas.device import ran_out_of_memory
from ganvas.errors import FileError, GanvasError, OutOfMemory
from ganvas.events import Applied, Notice, Report, Warned
from ganvas.files import make_folder, require_writable, write_bytes
from ganvas.image.decode import probe
from ganvas.image.read_photo import read_photo
from ganvas.job.ahead import ahead
from ganvas.job.ledger import FAILED_FILE, Ledger, books_of, key_of
from ganvas.job.photo_files import Entry, PhotoFiles
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.render_photo import Loaded, Tick

MAX_AHEAD_PIXELS = 25_000_000
"""A larger photograph is not decoded while another one is painted: two of them would fill the memory."""

Claim = Callable[[Path], None]
"""Called with each file before it is written.

Raises:
    FileError: A file of this name is there, and none of ours; or its folder cannot be made.
"""


@dataclass(frozen=True)
class Made:
    """What a verb made of one photograph: the receipt, and the files it wrote."""

    receipt: Receipt
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Work:
    """A verb as the runner of batches sees it.

    Attributes:
        verb: Its name.
        facts: Everything that decides the results besides the photographs: options and hashes.
        render: Makes the files of one photograph.
        companions: Hashes of further files that decide the result of one photograph, such as its mask.
        beside: A file that is read beside one photograph, such as its mask, and must not be replaced; None for none.
    """

    verb: str
    facts: Mapping[str, Any]
    render: Callable[[Entry, Loaded, Ledger | None, Claim, Tick], Made]
    companions: Callable[[Entry, Ledger | None], Mapping[str, Any]] = lambda entry, ledger: {}
    beside: Callable[[Entry], Path | None] = lambda entry: None


@dataclass(frozen=True)
class PhotosResult:
    """What came of it.

    Attributes:
        receipts: One for each photograph that was done now.
        skipped: Names of those that were done before.
        failed: Why others could not be done, by name.
        failed_file: The list of those, if there are any and a folder was given.
        plan: The prediction of a dry run.
    """

    receipts: tuple[Receipt, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    failed_file: Path | None = None
    plan: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        plan = {} if self.plan is None else {"plan": dict(self.plan)}
        done = [receipt.to_dict() for receipt in self.receipts]
        return {"done": done, "skipped": list(self.skipped), "failed": dict(self.failed), **plan}


@dataclass(frozen=True)
class _Looked:
    """A photograph before painting: its key, and what was read, unless it is done, too large to wait, or broken."""

    entry: Entry
    key: str = ""
    sha256: str = ""
    loaded: Loaded | None = None
    done: bool = False
    error: GanvasError | None = None


def run_photos(files: PhotoFiles, work: Work, options: PhotoOptions, report: Report) -> PhotosResult:
    """Do all photographs; stopped at any moment, the same call goes on.

    A folder's failures are listed in `FAILED_FILE` there, also when someone stops it. A single photograph's failure is
    raised.

    Raises:
        FileError: Nothing can be written there, or another process is writing there.
        GanvasError: The single photograph that was given cannot be done.
        KeyboardInterrupt: Someone asked to stop; what is done is kept.
    """
    if files.others:
        report(Notice(f"Files of other kinds are passed over: {first_few(files.others)}."))
    if options.receipt is not None:
        _make_room(options.receipt)
    outcome = _Outcome()
    with books_of(files.folder) if files.folder else nullcontext() as ledger:
        try:
            _run(files, work, options, report, ledger, outcome)
        finally:
            failed_file = _list_failed(files, outcome)
            if options.receipt is not None and outcome != _Outcome():
                _write_receipt(options.receipt, files, outcome, ledger)
    return PhotosResult(tuple(outcome.receipts), tuple(outcome.skipped), outcome.failed, failed_file)


@dataclass
class _Outcome:
    """What has come of the photographs so far, known also when someone stops it; names but for the receipts."""

    receipts: list[Receipt] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def _run(
    files: PhotoFiles, work: Work, options: PhotoOptions, report: Report, ledger: Ledger | None, outcome: _Outcome
) -> None:
    clock, claims = _Clock(files, report), _Claims(ledger, work)
    try:
        for seen in ahead(lambda entry: _look(entry, work, options, ledger), files.entries):
            name = seen.entry.name
            if seen.done:
                outcome.skipped.append(name)
                claims.keep(name)
                clock.skip(name)
                continue
            try:
                with explained(name):
                    outcome.receipts.append(_do(seen, work, options, claims, clock))
            except GanvasError as error:
                if files.single:
                    raise
                outcome.failed[name] = _sentence(name, error)
                report(Warned(outcome.failed[name]))
                clock.skip(name)
                continue
            clock.finish(name)
    except KeyboardInterrupt:
        if files.single:
            raise
        done = f"{len(outcome.receipts) + len(outcome.skipped)} of {len(files.entries)} photographs done"
        raise KeyboardInterrupt(f"Stopped, with {done}; the same command goes on.") from None


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn memory that ran out, and what a disk refuses, into a `GanvasError` that names the photograph.

    Raises:
        OutOfMemory: An allocation failed, in the words of any device.
        FileError: A file could not be read or written.
    """
    try:
        yield
    except OSError as error:
        raise FileError(
            f"The files of '{name}' cannot be read or written ({error}); mend that, and give the same command again."
        ) from error
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        clear_frames(error.__traceback__)  # or the error keeps the pictures that did not fit
        raise OutOfMemory(f"'{name}' does not fit in the memory; close other programs, or scale it down.") from error


def read_loaded(path: Path, data: bytes, sha256: str, options: PhotoOptions) -> Loaded:
    """A photograph from the bytes of its file."""
    return Loaded(path, sha256, read_photo(data, str(path), keep_private=options.keep_metadata))


def read_whole(path: Path) -> bytes:
    """The bytes of a file that may be a photograph.

    Raises:
        FileError: It cannot be read, is no plain file, or is absurdly large.
    """
    try:
        if not path.is_file():
            raise FileError(f"'{path}' is not a file that can be read as a picture; remove it.")
        if path.stat().st_size > MAX_ITEM_BYTES:
            raise FileError(f"'{path}' has more than {MAX_ITEM_BYTES >> 30} GiB; no picture of this size is read.")
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"Cannot read '{path}' ({error.strerror or error}); see that you may read it.") from error


def _look(entry: Entry, work: Work, options: PhotoOptions, ledger: Ledger | None) -> _Looked:
    try:
        with explained(entry.name):
            data = read_whole(entry.path)
            sha256 = hashlib.sha256(data).hexdigest()
            key = key_of({"source": sha256, **work.facts, **options.facts(), **work.companions(entry, ledger)})
            if ledger is not None and ledger.is_done(entry.name, key) and _bears_its_name(entry, ledger):
                return _Looked(entry, key, sha256, done=True)
            facts = probe(data, str(entry.path))
            if facts.width_px * facts.height_px > MAX_AHEAD_PIXELS:
                return _Looked(entry, key, sha256)
            return _Looked(entry, key, sha256, read_loaded(entry.path, data, sha256, options))
    except GanvasError as error:
        return _Looked(entry, error=error)


def _bears_its_name(entry: Entry, ledger: Ledger) -> bool:
    """Whether a result that is done is called as it would be now: another photograph may have come beside this one."""
    ours = [file.name for file in ledger.files_of(entry.name) if file.parent == entry.output.parent]
    return any(name == entry.output.name or name.startswith(f"{entry.output.name}.") for name in ours)


def _do(seen: _Looked, work: Work, options: PhotoOptions, claims: "_Claims", clock: "_Clock") -> Receipt:
    if seen.error is not None:
        raise seen.error
    entry, ledger = seen.entry, claims.ledger
    loaded = seen.loaded or read_loaded(entry.path, read_whole(entry.path), seen.sha256, options)

    made = work.render(
        entry, loaded, ledger, lambda path: claims.take(path, entry), lambda share: clock.tick(entry.name, share)
    )
    if ledger is not None:
        ledger.finish(entry.name, seen.key, made.files, made.receipt.to_dict())
    return made.receipt


def _sentence(name: str, error: GanvasError) -> str:
    text = str(error).replace("\n", " ")
    return text if name in text else f"'{name}': {text}"


def _list_failed(files: PhotoFiles, outcome: _Outcome) -> Path | None:
    """The list of a folder's failures; an earlier one goes only once all photographs are done."""
    if files.folder is None or files.single:
        return None
    path, failed = files.folder / FAILED_FILE, outcome.failed
    if failed:
        write_bytes(path, "".join(f"{name}\t{why}\n" for name, why in failed.items()).encode(errors="backslashreplace"))
        return path
    if len(outcome.receipts) + len(outcome.skipped) == len(files.entries):
        path.unlink(missing_ok=True)
    return None


def _make_room(receipt: Path) -> None:
    """See to it, before hours of work, that a receipt can be written after them.

    Raises:
        FileError: It cannot.
    """
    if receipt.is_dir():
        raise FileError(f"--receipt is '{receipt}', which is a folder; give the name of a file.")
    make_folder(receipt.parent, "choose another --receipt")
    require_writable(receipt)


def _write_receipt(path: Path, files: PhotoFiles, outcome: _Outcome, ledger: Ledger | None) -> None:
    """The facts of a single photograph by themselves; of a folder those of all that are done, before or now."""
    earlier = {name: ledger.receipt_of(name) for name in outcome.skipped} if ledger is not None else {}
    facts = [receipt for receipt in earlier.values() if receipt is not None]
    facts += [receipt.to_dict() for receipt in outcome.receipts]
    unknown = [name for name, receipt in earlier.items() if receipt is None]
    told = facts[0] if files.single and facts else {"done": facts, "skipped": unknown, "failed": outcome.failed}
    write_bytes(path, json.dumps(told, indent=1).encode())


class _Claims:
    """Sees to it that no result replaces another one, or what is not a result at all."""

    def __init__(self, ledger: Ledger | None, work: Work):
        self.ledger, self._work = ledger, work
        self._owners: dict[str, str] = {}

    def keep(self, name: str) -> None:
        """The results of a photograph that is skipped stay."""
        if self.ledger is not None:
            self._owners |= {str(path).casefold(): name for path in self.ledger.files_of(name)}

    def take(self, path: Path, entry: Entry) -> None:
        """Let a photograph have a file; see `Claim`."""
        owner = self._owners.setdefault(str(path).casefold(), entry.name)  # some drives take both cases for one
        if owner != entry.name:
            raise FileError(f"'{path}' is the result of '{owner}' already; give the two photographs different names.")
        make_folder(path.parent, "choose another --out")
        for what, given in (("photograph", entry.path), ("mask", self._work.beside(entry))):
            if given is not None and path.exists() and path.samefile(given):
                raise FileError(f"'{path}' would be replaced, and is the {what} itself; choose another --out.")
        if self.ledger is None:
            return
        source = str(entry.path.resolve())
        why = self.ledger.why_kept(path, source, self._work.verb)
        if why is not None:
            raise FileError(f"'{path}' is there already and {why}; move it, or choose another --out.")
        self.ledger.begin(entry.name, path, source, self._work.verb)


class _Clock:
    """Tells how much is done, by pixels, and how long the rest takes."""

    def __init__(self, files: PhotoFiles, report: Report):
        self._report, self._count, self._finished = report, len(files.entries), 0
        self._pixels = {entry.name: _pixels_of(entry.path) for entry in files.entries}
        self._total = sum(self._pixels.values())
        self._done, self._began = 0, time.monotonic()

    def skip(self, name: str) -> None:
        """A photograph cost nothing: it is taken out of the reckoning."""
        self._total -= self._pixels[name]
        self._finished += 1

    def finish(self, name: str) -> None:
        """A photograph is done."""
        self._finished += 1
        self._done += self._pixels[name]

    def tick(self, name: str, share: float) -> None:
        """So much of a photograph is painted."""
        done = self._done + share * self._pixels[name]
        left = (time.monotonic() - self._began) * (self._total - done) / max(done, 1)
        self._report(Applied(name, self._finished, self._count, done / max(self._total, 1), left))


def _pixels_of(path: Path) -> int:
    """Pixels by the header; 0 of what cannot be read, which will be said later."""
    try:
        with path.open("rb") as file:
            facts = probe(file, path.name)
    except (GanvasError, OSError, MemoryError):
        return 0
    return facts.width_px * facts.height_px
