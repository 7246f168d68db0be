"""The verb ``evaluate``: how good is a generator, how sure are we, and what did it copy?"""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import torch

from ganvas.data import cache
from ganvas.device import choose_device
from ganvas.errors import DataError, UnknownName, UsageError
from ganvas.events import Event, Looked, Report, Warned
from ganvas.job.subject import Subject, find_subject
from ganvas.job.weights import get_network, network_name
from ganvas.job.write_evaluation import Evaluation, write_evaluation
from ganvas.metric.compare import Result
from ganvas.metric.extract import Extracted, extract
from ganvas.metric.pictures import PictureSet
from ganvas.metric.protocol import PROTOCOLS, Protocol
from ganvas.metric.scores import score_sets
from ganvas.metric.stamp import Stamp
from ganvas.metric.store import features_key, stored
from ganvas.model.model import MAX_SEED
from ganvas.network.features import Loaded

FEWEST_PICTURES = 10
"""A side with fewer has no score worth printing."""


@dataclass(frozen=True)
class EvaluateRequest:
    """What to evaluate, and how.

    Attributes:
        subject: A run folder, a model file, or pictures.
        data: The reals; a run's own pictures where it is None.
        features: Name of the feature network, or ``auto``: the best one whose weights are installed.
        weights: File of its weights, where they are not installed.
        allow_download: Fetch weights that are not there.
        protocol: How pictures are resized and covariances divided.
        count: Pictures a model paints; as many as there are reals, from 2,000 to 10,000, where it is None.
        seed: First seed of what a model paints; also of groups and splits.
        labels: Where the reals' labels are; as the run had it where it is None.
        best: Take a run's best model, not its last.
        groups: Groups of the jackknife.
        batch: Pictures the feature network sees at once.
        precision: ``float32`` or ``bfloat16``.
        out: The folder to write to.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    """

    subject: Path
    data: Path | None = None
    features: str = "auto"
    weights: Path | None = None
    allow_download: bool = False
    protocol: str = "ganvas"
    count: int | None = None
    seed: int = 0
    labels: str | None = None
    best: bool = False
    groups: int = 20
    batch: int = 32
    precision: Literal["float32", "bfloat16"] = "float32"
    out: Path = Path("evaluation")
    device: str = "auto"


def evaluate(request: EvaluateRequest, *, report: Report = lambda event: None) -> Evaluation:
    """Look at every picture once, score, look for copies, write a result and a page.

    Raises:
        DataError: Pictures are missing, too few, or cannot be read.
        FileError: A model or weights cannot be read, or the folder cannot be written.
        UsageError: An option does not exist or is out of range.
    """
    protocol = _checked(request)
    device = choose_device(request.device)
    warnings: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.text)
        report(event)

    network = get_network(
        network_name(request.features, request.weights, tell), request.weights, request.allow_download, device, tell
    )
    subject = find_subject(
        request.subject,
        request.data,
        best=request.best,
        count=request.count,
        first_seed=request.seed,
        labels=request.labels,
        device=request.device,
        report=tell,
    )

    def look(what: str, pictures: PictureSet) -> Extracted:
        return extract(
            pictures,
            network,
            protocol,
            device=device,
            batch=request.batch,
            precision=request.precision,
            progress=lambda done, total: tell(Looked(what, done, total)),
        )

    key = features_key(subject.reals.key, network, protocol, request.precision, device)
    folder = cache.default_root() / "features"
    reals = stored(folder, key, lambda: look("reals", subject.reals), lambda text: tell(Warned(text)))
    fakes = look("fakes", subject.fakes)
    _refuse_few(subject, fakes, reals)
    _list_unreadable(fakes, reals, tell)
    scored = score_sets(fakes, reals, network.name, protocol, groups=request.groups, seed=request.seed)
    stamp = _stamp(request, subject, network, protocol, (fakes, reals), device)
    result = Result(version("ganvas"), subject.name, stamp, scored.scores, scored.floors)
    return write_evaluation(
        request.out, subject, result, fakes, reals, scored.near, tuple(warnings), groups=request.groups
    )


def _checked(request: EvaluateRequest) -> Protocol:
    """The protocol, when all numbers make sense.

    Raises:
        UsageError: Names the one that does not.
    """
    if request.protocol not in PROTOCOLS:
        raise UnknownName("protocol", request.protocol, PROTOCOLS)
    least = {"count": (request.count, FEWEST_PICTURES), "groups": (request.groups, 2), "batch": (request.batch, 1)}
    for name, (value, smallest) in least.items():
        if value is not None and value < smallest:
            raise UsageError(f"--{name} is {value}, but it must be {smallest} or more.")
    if not 0 <= request.seed <= MAX_SEED:
        raise UsageError(f"--seed is {request.seed}, but it must be a whole number from 0 to {MAX_SEED}.")
    return PROTOCOLS[request.protocol]


def _refuse_few(subject: Subject, fakes: Extracted, reals: Extracted) -> None:
    for name, found in ((subject.name, fakes), (subject.reals_name, reals)):
        if len(found) < FEWEST_PICTURES:
            raise DataError(
                f"'{name}' has too few readable pictures to score ({len(found)}); give {FEWEST_PICTURES} or more."
            )


def _list_unreadable(fakes: Extracted, reals: Extracted, report: Report) -> None:
    for what, found in (("fakes", fakes), ("reals", reals)):
        if found.unreadable:
            names = ", ".join(f"'{lost.name}'" for lost in found.unreadable[:3])
            more = ", …" if len(found.unreadable) > 3 else ""
            report(Warned(f"{len(found.unreadable)} {what} cannot be read and are left out: {names}{more}."))


def _stamp(
    request: EvaluateRequest,
    subject: Subject,
    network: Loaded,
    protocol: Protocol,
    sets: tuple[Extracted, Extracted],
    device: torch.device,
) -> Stamp:
    fakes, reals = sets
    return Stamp(
        network=network.name,
        network_sha256=network.sha256,
        protocol=protocol.name,
        resize=protocol.resize,
        unbiased=protocol.unbiased,
        real_key=subject.reals.key,
        real_count=len(reals),
        fake_count=len(fakes),
        seed=request.seed,
        precision=request.precision,
        formats={"real": dict(subject.formats["real"]), "fake": dict(subject.formats["fake"])},
        device=str(device),
        threads=torch.get_num_threads(),
        versions={
            "ganvas": version("ganvas"),
            "torch": str(torch.__version__),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        },
    )
