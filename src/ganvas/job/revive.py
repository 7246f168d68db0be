"""The verb ``revive``: an old photograph, step by step, each step kept and open to correction.

Beside the results lies a folder ``steps`` with one folder a photograph: the mask of scratches, the repaired and, where
it is enlarged afterwards, the restored picture. Whoever edits one of these and runs the same command again gets a
result from there on; what was not edited is made anew when need be.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.apply.masks import mask_pixels, widened
from ganvas.apply.receipt import Receipt
from ganvas.errors import FileError, UsageError
from ganvas.events import Report
from ganvas.image.decode import EXTENSIONS
from ganvas.image.photo import Photo
from ganvas.image.provenance import strongest
from ganvas.job.find_scratches import check_threshold, found_how, scratches
from ganvas.job.ledger import Ledger, sha256_of
from ganvas.job.open_model import open_model
from ganvas.job.painter import Opened, Painter
from ganvas.job.photo_files import Entry, find_photos
from ganvas.job.photo_format import Target, target_of
from ganvas.job.photo_options import FOUND_GROW_PX, THRESHOLD, PhotoOptions, check_share
from ganvas.job.photos import Claim, Made, PhotosResult, Work, read_loaded, read_whole, run_photos
from ganvas.job.preview import preview
from ganvas.job.render_photo import Loaded, Tick, render, source_side, unchanged_by
from ganvas.job.repair import check_grow, read_mask
from ganvas.job.restore import LOCK_BOX_PX as RESTORE_BOX_PX
from ganvas.job.upscale import LOCK_BOX_PX as UPSCALE_BOX_PX
from ganvas.job.upscale import check_scale
from ganvas.job.write_mask import write_mask

STEPS = "steps"
MASK, REPAIRED, RESTORED = "1-mask.png", "2-repaired.png", "3-restored.png"


@dataclass(frozen=True)
class ReviveRequest:
    """What to revive.

    Attributes:
        photos: A photograph, or a folder of them.
        out: The folder for results and steps.
        strength: The most damage a photograph may have, 0 to 1; at 1 the model judges for itself.
        scale: Enlarge so many times in the end; None does not.
        fidelity: 1 is the faithful end of each model, 0 the inventive one; None repairs with the inventive end and
            does the rest with the faithful ones.
        colour_lock: Keep the low frequencies of the photograph while restoring; off, since old ones are faded.
        scratch_threshold: How sure the network must be that a pixel is marked, between 0 and 1.
        grow: Pixels to widen the scratches that are found.
        repair_model: A model file of your own for a step; None takes the installed one. ``options.model`` is not used.
        restore_model: The same.
        upscale_model: The same.
        scratch_model: The same.
        options: How files are read and written.
    """

    photos: Path
    out: Path
    strength: float = 1.0
    scale: int | None = None
    fidelity: float | None = None
    colour_lock: bool = False
    scratch_threshold: float = THRESHOLD
    grow: int = FOUND_GROW_PX
    repair_model: Path | None = None
    restore_model: Path | None = None
    upscale_model: Path | None = None
    scratch_model: Path | None = None
    options: PhotoOptions = field(default_factory=PhotoOptions)

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            UsageError: A number out of range, or no folder for the steps.
        """
        self.options.check(self.out)
        check_share("strength", self.strength)
        if self.fidelity is not None:
            check_share("fidelity", self.fidelity)
        if self.options.model is not None:
            raise UsageError(
                f"--model is '{self.options.model}', but revive has one model a step; say --repair-model …."
            )
        check_threshold(self.scratch_threshold)
        check_grow(self.grow)
        check_scale(self.scale)
        if self.upscale_model is not None and self.scale is None:
            raise UsageError("--upscale-model is given without --scale; give both or none.")
        if self.out.suffix.lower() in EXTENSIONS and not self.out.is_dir():
            raise UsageError(f"--out is '{self.out}', but revive keeps its steps, too; give a folder.")


@dataclass(frozen=True)
class _Models:
    """What works at which step."""

    finder: Opened
    repair: Painter
    restore: Painter
    upscale: Painter | None

    def painters(self) -> tuple[Painter, ...]:
        """In their order."""
        first = (Painter("find-scratches", self.finder), self.repair, self.restore)
        return first if self.upscale is None else (*first, self.upscale)


def revive(request: ReviveRequest, *, report: Report = lambda event: None) -> PhotosResult:
    """Find scratches, repair, restore and perhaps enlarge photographs.

    Returns:
        Receipts with those of the steps, and what was skipped or failed.

    Raises:
        UsageError: Options that do not fit together, or a model for something else.
        FileError: No photograph or model, or results cannot be written.
        GanvasError: The single photograph that was given cannot be done.
    """
    request.check()
    files = find_photos(request.photos, request.out)
    models = _open(request)
    if request.options.dry_run:
        return PhotosResult(plan=preview(files, models.painters(), report))

    def edited(entry: Entry, ledger: Ledger | None) -> dict[str, Any]:
        assert ledger is not None
        folder = _steps(request.out, entry)
        steps = (MASK, REPAIRED) if request.scale is None else (MASK, REPAIRED, RESTORED)
        changed = [folder / step for step in steps if ledger.is_edited(folder / step)]
        return {"edited": {path.name: sha256_of(path) for path in changed}}

    def one(entry: Entry, loaded: Loaded, ledger: Ledger | None, claim: Claim, tick: Tick) -> Made:
        assert ledger is not None
        return _Chain(request, models, entry, ledger, claim, tick).run(loaded)

    facts: dict[str, Any] = {f"step {number}": painter.facts() for number, painter in enumerate(models.painters())}
    facts["found"] = {"grow": request.grow, **found_how(models.finder, request.scratch_threshold)}
    return run_photos(files, Work("revive", facts, one, edited), request.options, report)


def _open(request: ReviveRequest) -> _Models:
    tile = request.options.tile_px()

    def opened(flag: str, path: Path | None, task: str, scale: int = 1) -> Opened:
        return open_model(path, task, scale, request.options.device, request.options.precision, flag=flag)

    finder = opened("--scratch-model", request.scratch_model, "find-scratches")
    repair = opened("--repair-model", request.repair_model, "repair")
    restore = opened("--restore-model", request.restore_model, "restore")
    upscale = None
    if request.scale is not None:
        upscale = opened("--upscale-model", request.upscale_model, "upscale", request.scale)
    painting = [model for model in (repair, restore, upscale) if model is not None]
    if request.fidelity not in (None, 1) and not any(model.two_ends for model in painting):
        raise UsageError(f"--fidelity is {request.fidelity:g}, but none of the models has two ends; leave it out.")

    def fidelity(model: Opened, unasked: float = 1.0) -> float:
        return 1.0 if not model.two_ends else unasked if request.fidelity is None else request.fidelity

    restore_lock = RESTORE_BOX_PX if request.colour_lock else None
    return _Models(
        finder,
        Painter("repair", repair, fidelity=fidelity(repair, unasked=0.0), tile=tile),
        Painter(
            "revive",
            restore,
            fidelity=fidelity(restore),
            lock_box_px=restore_lock,
            strength=request.strength,
            tile=tile,
        ),
        None
        if upscale is None
        else Painter("revive", upscale, fidelity=fidelity(upscale), lock_box_px=UPSCALE_BOX_PX, tile=tile),
    )


def _steps(out: Path, entry: Entry) -> Path:
    return out / STEPS / entry.output.relative_to(out)


class _Chain:
    """The steps of one photograph."""

    def __init__(self, request: ReviveRequest, models: _Models, entry: Entry, ledger: Ledger, claim: Claim, tick: Tick):
        self.request, self.models, self.entry, self.ledger, self.claim = request, models, entry, ledger, claim
        self.folder = _steps(request.out, entry)
        self.written: list[Path] = []
        self.receipts: list[Receipt] = []
        self.notes: list[str] = []
        self._original_sha256 = ""
        rounds = 2 if models.upscale is None else 3
        self._tick = lambda share: tick(min(1.0, (len(self.receipts) + share) / rounds))

    def run(self, loaded: Loaded) -> Made:
        """All steps; each but the last leaves a file that the next one reads."""
        began = time.monotonic()
        models, original = self.models, loaded
        self._original_sha256 = original.sha256
        self.claim(self._target(loaded.photo).path)  # what cannot be written is refused before anything is painted
        loaded = self._step(REPAIRED, loaded, self._repair)
        if models.upscale is not None:
            loaded = self._step(RESTORED, loaded, lambda given, to: self._paint(models.restore, given, to))
        elif self.ledger.is_edited(self.folder / RESTORED):
            self.notes.append(f"'{self.folder / RESTORED}' was edited, and is used with --scale only.")
        target = self._target(replace(original.photo, pixels=loaded.photo.pixels))  # which an edit may have made grey
        self.claim(target.path)  # another name, where an edit made it too large for the format
        last = self._paint(models.upscale or models.restore, loaded, target)
        self.written.append(target.path)
        source = source_side(original)
        return Made(
            replace(
                last,
                source=source,
                models=tuple(model for receipt in self.receipts for model in receipt.models),
                seconds=round(time.monotonic() - began, 3),
                notes=(*self.notes, *last.notes),
                steps=tuple(self.receipts),
            ),
            tuple(self.written),
        )

    def _target(self, photo: Photo) -> Target:
        scale = 1 if self.models.upscale is None else self.models.upscale.model.scale
        return target_of(self.entry, photo, self.request.options, scale)

    def _step(self, name: str, given: Loaded, paint: Callable[[Loaded, Target], Receipt]) -> Loaded:
        """Let a step make its file, unless a user edited it; and read it."""
        path = self.folder / name
        if not self._edited(path):
            self.claim(path)
            paint(given, Target(path, "png", None, given.photo.pixels.dtype, given.photo.pixels.shape[2]))
            self._note(path)
        data = read_whole(path)
        made = read_loaded(path, data, hashlib.sha256(data).hexdigest(), self.request.options)
        mark = strongest(given.photo.source_type, made.photo.source_type)  # an editor may have dropped it
        return replace(made, photo=replace(made.photo, source_type=mark))

    def _repair(self, given: Loaded, target: Target) -> Receipt:
        pixels, file = given.photo.pixels, self.folder / MASK
        if self._edited(file):
            mask = read_mask(file, (pixels.shape[0], pixels.shape[1]), 0)
            how: dict[str, Any] = {"mask": sha256_of(file)}
        else:
            tile = self.request.options.tile_px()
            found = scratches(pixels, self.models.finder, self.request.scratch_threshold, tile, self.entry.name)
            mask = widened(found, self.request.grow, self.entry.name)
            how = {"grow": self.request.grow, **found_how(self.models.finder, self.request.scratch_threshold)}
            self.claim(file)  # not before: a user may have to put a mask here in place of what cannot be found
            write_mask(file, mask_pixels(mask))
            self._note(file)
        return self._paint(self.models.repair, given, target, mask, how)

    def _paint(
        self,
        painter: Painter,
        given: Loaded,
        target: Target,
        mask: np.ndarray | None = None,
        how: Mapping[str, Any] | None = None,
    ) -> Receipt:
        unchanged = unchanged_by(painter, mask)
        receipt = render(given, painter, target, self.request.options, mask=mask, unchanged=unchanged, tick=self._tick)
        receipt = replace(receipt, options={**receipt.options, **(how or {})})
        self.receipts.append(receipt)
        return receipt

    def _edited(self, path: Path) -> bool:
        """Whether a step is a user's, and so taken as it is; refused where it was made of another photograph."""
        if not self.ledger.is_edited(path):
            return False
        if self.ledger.is_of_another(path, self._original_sha256):
            raise FileError(
                f"'{path}' was edited, but belongs to another photograph than '{self.entry.name}' is now; move it, or "
                "choose another --out."
            )
        self.notes.append(f"'{path}' was edited, and is taken as it is.")
        return True

    def _note(self, path: Path) -> None:
        self.ledger.wrote(path, self._original_sha256)
        self.written.append(path)
