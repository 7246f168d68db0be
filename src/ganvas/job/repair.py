"""The verb ``repair``: fill what a mask marks, and change nothing else."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.apply.masks import mask_of, mask_pixels, refuse_other_size, widened
from ganvas.errors import FileError, UsageError
from ganvas.events import Report
from ganvas.image.decode import EXTENSIONS, probe
from ganvas.image.provenance import read_mark
from ganvas.image.read_photo import read_photo
from ganvas.job.find_scratches import check_threshold, found_how, scratches
from ganvas.job.ledger import Ledger, sha256_of
from ganvas.job.open_model import open_model
from ganvas.job.painter import Opened, Painter
from ganvas.job.photo_files import Entry, beside, find_photos, refuse_same
from ganvas.job.photo_format import map_path, target_of
from ganvas.job.photo_options import FOUND_GROW_PX, THRESHOLD, PhotoOptions, check_share
from ganvas.job.photos import Claim, Made, PhotosResult, Work, read_whole, run_photos
from ganvas.job.preview import preview
from ganvas.job.render_photo import Loaded, Tick, render, unchanged_by
from ganvas.job.write_mask import is_as_written, write_mask

MOST_GROW_PX = 100


@dataclass(frozen=True)
class RepairRequest:
    """What to repair.

    Attributes:
        photos: A photograph, or a folder of them.
        out: Where results go.
        mask: White is to be filled: a file, or a folder of files named as the photographs.
        find_scratches: Let a network make the mask; it is kept beside the result as ``NAME.mask.png``.
        scratch_model: That network's file; None takes the installed one.
        scratch_threshold: How sure the network must be that a pixel is marked, between 0 and 1; None is `THRESHOLD`.
        grow: Pixels to widen the mask by; None is 0 for a mask that was given and `FOUND_GROW_PX` for one found.
        fidelity: 1 is the faithful end of the model, 0 the inventive one, which None takes where there is one: what is
            missing has to be invented, and the likeliest pixels are a smear.
        map: Write where the two ends disagree, as ``NAME.map.png``.
        options: How files are read and written.
    """

    photos: Path
    out: Path
    mask: Path | None = None
    find_scratches: bool = False
    scratch_model: Path | None = None
    scratch_threshold: float | None = None
    grow: int | None = None
    fidelity: float | None = None
    map: bool = False
    options: PhotoOptions = field(default_factory=PhotoOptions)

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            UsageError: No mask or two of them, or a number out of range.
        """
        self.options.check(self.out)
        if self.fidelity is not None:
            check_share("fidelity", self.fidelity)
        if (self.mask is None) != self.find_scratches:
            how = (
                "both --mask and --find-scratches are"
                if self.find_scratches
                else "neither --mask nor --find-scratches is"
            )
            raise UsageError(f"A repair needs one mask, but {how} given; give one of them.")
        if self.scratch_model is not None and not self.find_scratches:
            raise UsageError("--scratch-model is given without --find-scratches; give both or none.")
        if self.scratch_threshold is not None and not self.find_scratches:
            raise UsageError("--scratch-threshold is given without --find-scratches; give both or none.")
        check_threshold(self.threshold())
        check_grow(self.grow or 0)

    def threshold(self) -> float:
        """How sure the network must be."""
        return THRESHOLD if self.scratch_threshold is None else self.scratch_threshold

    def grow_px(self) -> int:
        """How far the mask is widened."""
        return self.grow if self.grow is not None else FOUND_GROW_PX if self.find_scratches else 0


def check_grow(grow_px: int) -> None:
    """Refuse a growth that is none, or would fill the picture.

    Raises:
        UsageError: It is out of range.
    """
    if not 0 <= grow_px <= MOST_GROW_PX:
        raise UsageError(f"--grow is {grow_px}, but it must be 0 to {MOST_GROW_PX} pixels.")


def repair(request: RepairRequest, *, report: Report = lambda event: None) -> PhotosResult:
    """Fill the masked parts of photographs; every other pixel is given back bit-identical.

    Returns:
        Receipts, and what was skipped or failed.

    Raises:
        UsageError: Options that do not fit together, or a model for something else.
        FileError: No photograph or model, or results cannot be written.
        GanvasError: The single photograph that was given cannot be done.
    """
    request.check()
    files = find_photos(request.photos, request.out)
    options = request.options
    mask = _checked_mask(request.mask, files.single)
    if mask is not None and mask.is_file() and files.folder is None:
        refuse_same(mask, request.out, "the mask")
    model = open_model(options.model, "repair", 1, options.device, options.precision)
    most_inventive = 0.0 if model.two_ends else 1.0
    painter = Painter(
        "repair",
        model,
        fidelity=most_inventive if request.fidelity is None else request.fidelity,
        want_map=request.map,
        tile=options.tile_px(),
    )
    finder = None
    if request.find_scratches:
        device, precision = options.device, options.precision
        finder = open_model(request.scratch_model, "find-scratches", 1, device, precision, flag="--scratch-model")
    repairs = _Repairs(request, painter, finder, mask)
    if options.dry_run:
        first = () if finder is None else (Painter("find-scratches", finder, tile=options.tile_px()),)
        return PhotosResult(plan=preview(files, (*first, painter), report, repairs.check))
    facts = {**painter.facts(), **repairs.how()}
    return run_photos(files, Work("repair", facts, repairs.one, repairs.companions, repairs.beside), options, report)


@dataclass(frozen=True)
class _Repairs:
    """How each photograph is repaired."""

    request: RepairRequest
    painter: Painter
    finder: Opened | None
    mask: Path | None

    def how(self) -> dict[str, Any]:
        """What decides the hole, but for a mask that was given."""
        found = {} if self.finder is None else found_how(self.finder, self.request.threshold())
        return {"grow": self.request.grow_px(), **found}

    def companions(self, entry: Entry, ledger: Ledger | None) -> dict[str, Any]:
        """The hash of the mask that was given."""
        file = self.beside(entry)
        return {} if file is None else {"mask": sha256_of(file)}

    def beside(self, entry: Entry) -> Path | None:
        """The mask that was given."""
        return None if self.mask is None else _mask_file(self.mask, entry)

    def check(self, entry: Entry, size: tuple[int, int]) -> None:
        """Refuse a mask whose header says that it does not fit, or is none."""
        file = self.beside(entry)
        if file is not None:
            data = read_whole(file)
            facts = probe(data, str(file))
            refuse_other_size((facts.height_px, facts.width_px), str(file), size)
            _refuse_result(data, file)

    def one(self, entry: Entry, loaded: Loaded, ledger: Ledger | None, claim: Claim, tick: Tick) -> Made:
        """Repair a photograph."""
        painter, options = self.painter, self.request.options
        target = target_of(entry, loaded.photo, options)
        claim(target.path)
        hole, written = self._hole(entry, loaded, ledger, claim)
        map_file = map_path(entry) if painter.want_map and hole.any() else None
        if map_file is not None:
            claim(map_file)
            written.append(map_file)
        unchanged = unchanged_by(painter, hole)
        receipt = render(loaded, painter, target, options, mask=hole, unchanged=unchanged, map_file=map_file, tick=tick)
        facts = {**receipt.options, **self.how(), **self.companions(entry, ledger)}
        return Made(replace(receipt, options=facts), (target.path, *written))

    def _hole(self, entry: Entry, loaded: Loaded, ledger: Ledger | None, claim: Claim) -> tuple[np.ndarray, list[Path]]:
        """What is to be filled, and the file in which it is kept where it was found."""
        pixels, request = loaded.photo.pixels, self.request
        if self.finder is None:
            file = self.beside(entry)
            assert file is not None  # `RepairRequest.check` saw to it
            return read_mask(file, (pixels.shape[0], pixels.shape[1]), request.grow_px()), []
        found = scratches(pixels, self.finder, request.threshold(), request.options.tile_px(), entry.name)
        hole = widened(found, request.grow_px(), entry.name)
        kept = entry.output.with_name(f"{entry.output.name}.mask.png")
        edited = kept.exists() and not is_as_written(kept) if ledger is None else ledger.is_edited(kept)
        if edited:
            raise FileError(f"'{kept}' was edited; give it with --mask, or remove it to have it made anew.")
        claim(kept)
        write_mask(kept, mask_pixels(hole))
        if ledger is not None:
            ledger.wrote(kept, loaded.sha256)
        return hole, [kept]


def read_mask(file: Path, size: tuple[int, int], grow_px: int) -> np.ndarray:
    """The mask in a file, widened: bool ``(H, W)``.

    Raises:
        FileError: The file is no picture, or is marked as one that a model made or changed.
        DataError: The mask does not fit the photograph, or leaves nothing of it once it is widened.
    """
    data = read_whole(file)
    _refuse_result(data, file)
    return widened(mask_of(read_photo(data, str(file)), str(file), size), grow_px, str(file))


def _refuse_result(data: bytes, file: Path) -> None:
    mark = read_mark(data, str(file))
    if mark is not None and mark.source_type is not None:  # masks that were found bear a recipe alone
        raise FileError(
            f"The mask '{file}' is marked as made or changed by a network, and seems to be a result; give the mask "
            "itself, or, if this is it, save it without metadata."
        )


def _mask_file(mask: Path, entry: Entry) -> Path:
    file = beside(mask, entry.name, "mask") if mask.is_dir() else mask
    if file.exists() and file.samefile(entry.path):
        raise FileError(
            f"The mask '{file}' is the photograph itself; give a picture that is white where the photograph is to be "
            "filled."
        )
    return file


def _checked_mask(mask: Path | None, single: bool) -> Path | None:
    if mask is None or mask.is_dir():
        return mask
    if not mask.is_file():
        raise FileError(f"There is no mask '{mask}'.")
    if not single:
        raise UsageError(f"--mask is the file '{mask}', but photographs come from a folder; give a folder of masks.")
    if mask.suffix.lower() not in EXTENSIONS:
        raise UsageError(f"--mask is '{mask}', which is no picture ({', '.join(sorted(EXTENSIONS))}).")
    return mask
