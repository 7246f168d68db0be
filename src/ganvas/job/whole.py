"""What restoring and enlarging share: one painter over whole photographs."""

from ganvas.events import Report
from ganvas.job.ledger import Ledger
from ganvas.job.painter import Painter
from ganvas.job.photo_files import Entry, PhotoFiles
from ganvas.job.photo_format import map_path, target_of
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.photos import Claim, Made, PhotosResult, Work, run_photos
from ganvas.job.preview import preview
from ganvas.job.render_photo import Loaded, Tick, render, unchanged_by


def run_whole(files: PhotoFiles, painter: Painter, options: PhotoOptions, report: Report) -> PhotosResult:
    """Paint every photograph anew, or say what that would cost; see `run_photos`."""
    if options.dry_run:
        return PhotosResult(plan=preview(files, (painter,), report))

    def one(entry: Entry, loaded: Loaded, ledger: Ledger | None, claim: Claim, tick: Tick) -> Made:
        target = target_of(entry, loaded.photo, options, painter.model.scale)
        unchanged = unchanged_by(painter, None)
        map_file = map_path(entry) if painter.want_map and unchanged is None else None
        written = (target.path,) if map_file is None else (target.path, map_file)
        for path in written:
            claim(path)
        receipt = render(loaded, painter, target, options, unchanged=unchanged, map_file=map_file, tick=tick)
        return Made(receipt, written)

    return run_photos(files, Work(painter.verb, painter.facts(), one), options, report)
