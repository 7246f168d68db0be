"""What restoring and enlarging share: one painter over whole photographs."""

from ganvas.events import Report
from ganvas.job.ledger import Ledger
from ganvas.job.painter import Painter
from ganvas.job.photo_files import Entry, PhotoFiles
from ganvas.job.photo_format import target_of
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
        written = [target.path]
        claim(target.path)
        unchanged = unchanged_by(painter, None)
        with_map = painter.want_map and unchanged is None
        map_file = entry.output.with_name(f"{entry.output.name}.map.png") if with_map else None
        if map_file is not None:
            claim(map_file)
            written.append(map_file)
        receipt = render(loaded, painter, target, options, unchanged=unchanged, map_file=map_file, tick=tick)
        return Made(receipt, tuple(written))

    return run_photos(files, Work(painter.facts(), one), options, report)
