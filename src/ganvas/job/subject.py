"""What is evaluated, and what it is measured against: a run, a model, or pictures somebody made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganvas.data import cache
from ganvas.data.content import known_content, read_content
from ganvas.data.item import first_few
from ganvas.data.labels import read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.source import Source, open_source
from ganvas.data.survey import survey
from ganvas.errors import DataError, FileError, UsageError
from ganvas.events import Packing, Report, Warned
from ganvas.files import file_hash
from ganvas.image.resize import FitMode
from ganvas.job.painted import painted_like
from ganvas.job.sample import model_file
from ganvas.metric.pictures import FilePictures, PackedPictures, PictureSet
from ganvas.model.load import load_model, read_descriptor
from ganvas.training.run import RunFolder

FEWEST, MOST = 2_000, 10_000
"""How many pictures a model paints when nobody says: as many as there are reals, within these."""
FITS: tuple[FitMode, ...] = ("crop", "pad", "stretch")


@dataclass(frozen=True)
class Subject:
    """Two sets of pictures.

    Attributes:
        name: What is evaluated, for people.
        fakes: The pictures under suspicion.
        reals: What they should be like.
        reals_name: For people.
        formats: File formats met on either side, with counts.
    """

    name: str
    fakes: PictureSet
    reals: PictureSet
    reals_name: str
    formats: Mapping[str, Mapping[str, int]]


def find_subject(
    path: Path,
    data: Path | None,
    *,
    best: bool,
    count: int | None,
    first_seed: int,
    labels: str | None,
    device: str,
    report: Report,
) -> Subject:
    """Open what is evaluated and what it is measured against.

    Args:
        path: A run folder, a model file, or pictures: a folder, zip, tar, idx file or ``.npy``.
        data: The reals; those of the run where it is one and nobody says otherwise.
        best: Take the run's best model, not its last.
        count: Pictures a model paints.
        first_seed: Of the pictures a model paints.
        labels: Where the reals' labels are, as for `train`; as the run had it where nobody says otherwise.
        device: Where a model paints.
        report: Told of long work.

    Raises:
        DataError: Pictures are missing or cannot be used.
        FileError: A model cannot be read.
        UsageError: An option for models is given for pictures, or labels for a model that knows none; or the model
            works on photographs.
    """
    if not is_model(path):
        refuse_what_only_models_know(path, {"--best": best or None, "--count": count, "--labels": labels})
        return _pictures_against_pictures(path, data, report)
    file = model_file(path, best=best)
    refuse_model_of_photographs(file)
    model = load_model(file, device=device)
    if labels is not None and model.descriptor.labels.kind == "none":
        raise UsageError(f"--labels is {labels}, but '{file}' paints without labels; leave it out.")
    recorded = model.descriptor.card.get("config")
    config = recorded if isinstance(recorded, Mapping) else {}
    data = data or _pictures_of_run(file)
    source = open_source(data)
    form = Form(model.descriptor.size, model.descriptor.channels, _fit(config))
    dataset = pack(
        source,
        form,
        read_labels(source, labels or str(config.get("labels", "auto"))),
        progress=lambda done, total: report(Packing(done, total)),
        notice=lambda text: report(Warned(text)),
    )
    if dataset.unreadable:
        lost = first_few(one.name for one in dataset.unreadable)
        report(Warned(f"{len(dataset.unreadable)} reals cannot be read and are left out: {lost}."))
    painted = count or min(max(len(dataset), FEWEST), MOST)
    fakes = painted_like(model, file_hash(file), dataset.labels, painted, first_seed)
    found = survey(source).formats
    _warn_of_mixed("real", found, report)
    formats = {"real": found, "fake": {"memory": painted}}
    name = f"{path} (best)" if best else str(path)
    return Subject(name, fakes, PackedPictures(dataset), str(data), formats)


def refuse_what_only_models_know(path: Path, given: Mapping[str, object]) -> None:
    """Refuse options that say how a model paints where there are pictures; None where one is not given.

    Raises:
        UsageError: Names the option.
    """
    for flag, value in given.items():
        if value is not None:
            said = flag if value is True else f"{flag} {value}"
            raise UsageError(f"{said} is for runs and models, but '{path}' holds pictures; leave it out.")


def refuse_model_of_photographs(file: Path) -> None:
    """Refuse a model that has no pictures of its own: what it makes of photographs is compared pair by pair.

    Raises:
        FileError: It cannot be read.
        UsageError: Says how to measure it.
    """
    descriptor = read_descriptor(file)
    task = descriptor.task
    if descriptor.photo is None:
        return
    if task == "find-scratches":
        raise UsageError(
            f"'{file}' is a model for '{task}', which marks what is damaged and paints no pictures to score; see "
            "scores.jsonl in its run folder for what it scored while it was trained."
        )
    mask = " --mask MASKS" if task == "repair" else ""
    raise UsageError(
        f"'{file}' is a model for '{task}', which paints from photographs and has no pictures of its own to score; let "
        f"it paint, ganvas {task} PHOTOS{mask} --model {file} --out PAINTED, and compare with what they should be: "
        "ganvas evaluate PAINTED --data ORIGINALS --pairs."
    )


def _pictures_against_pictures(path: Path, data: Path | None, report: Report) -> Subject:
    fakes = open_source(path)
    if data is None:
        raise DataError(f"'{path}' is neither a run nor a model; say with --data which real pictures to measure it by.")
    reals = open_source(data)
    formats = {"real": _formats(reals, "real", report), "fake": _formats(fakes, "fake", report)}
    if set(formats["real"]) != set(formats["fake"]):
        kinds = [" and ".join(sorted(formats[side])) for side in ("real", "fake")]
        report(
            Warned(
                f"The reals are {kinds[0]}, the fakes {kinds[1]}: compression alone moves a Fréchet distance (JPEG by "
                "up to 20), so save both alike."
            )
        )
    return Subject(str(path), as_files(fakes), as_files(reals), str(data), formats)


def _formats(source: Source, side: str, report: Report) -> dict[str, int]:
    found = survey(source)
    _warn_of_mixed(side, found.formats, report)
    if len(found.sizes) > 1:
        report(
            Warned(
                f"The {side} pictures have {len(found.sizes)} different sizes; each is resized to the network's, so "
                "their proportions and sharpness are measured along with them."
            )
        )
    return dict(found.formats)


def _warn_of_mixed(side: str, formats: Mapping[str, int], report: Report) -> None:
    if len(formats) > 1:
        report(Warned(f"The {side} pictures mix {', '.join(formats)}: compression is measured along with them."))


def is_model(path: Path) -> bool:
    """Whether a path is a run or a model, so that pictures must be painted first."""
    return path.suffix == ".safetensors" or (path / "run.json").is_file() or (path / "model.safetensors").is_file()


def as_files(source: Source) -> FilePictures:
    """Pictures as they are, with the key of their content."""
    root = cache.default_root()
    return FilePictures(source, known_content(source, root) or read_content(source, root))


def _pictures_of_run(file: Path) -> Path:
    """Where the pictures lay that a run was trained on."""
    try:
        recorded = RunFolder(file.parent).read_record()["asked"]["pictures"]
    except (FileError, KeyError, TypeError) as error:
        raise DataError(
            f"'{file}' does not lie in its run; say with --data which pictures to measure it by."
        ) from error
    pictures = Path(str(recorded))
    if not pictures.exists():
        raise DataError(f"The run's pictures are no longer at '{pictures}'; say with --data where they are.")
    return pictures


def _fit(config: Mapping[str, object]) -> FitMode:
    return next((fit for fit in FITS if fit == config.get("fit")), "crop")
