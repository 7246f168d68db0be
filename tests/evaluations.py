"""Sets of pictures to measure, and evaluations of tiny ones that take a moment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from ganvas.data.item import Unreadable
from ganvas.errors import FileError
from ganvas.events import Event
from ganvas.job.evaluate import EvaluateRequest, evaluate
from ganvas.job.write_evaluation import Evaluation
from ganvas.metric.pictures import Picture
from ganvas.network.features import Loaded, load_feature_network
from ganvas.network.features.interface import Seen
from tests.data.pictures import write_folder
from tests.runs import picture

T = TypeVar("T")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Listed:
    """Pictures in memory, some of them unreadable; a `ganvas.metric.pictures.PictureSet`."""

    pictures: Sequence[Picture | Unreadable]
    key: str = "listed"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{row:03d}.png" for row in range(len(self.pictures)))

    def each(self, work: Callable[[Picture], T]) -> Iterator[T | Unreadable]:
        for one in self.pictures:
            yield one if isinstance(one, Unreadable) else work(one)

    def read(self, row: int) -> Picture:
        one = self.pictures[row]
        if isinstance(one, Unreadable):
            raise FileError(one.reason)
        return one


class Mean:
    """A feature network that tells the mean of each channel, and NaN where pictures are brighter than it bears."""

    side_px, dim, classes = 4, 3, 0
    offset = scale = (127.5, 127.5, 127.5)

    def __init__(self, most: float = 2.0) -> None:
        self.most = most

    def __call__(self, images: Tensor) -> Seen:
        features = images.mean((2, 3))
        return Seen(torch.where(features > self.most, torch.nan, features), images.new_zeros(len(images), 0))

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        return (images,)


def mean_network(most: float = 2.0) -> Loaded:
    network: Any = Mean(most)
    return Loaded("mean", network, "0" * 64, network.offset, network.scale, network.side_px, network.dim, 0)


def random_network() -> Loaded:
    return load_feature_network("random")


def two_folders(root: Path, count: int = 24) -> tuple[Path, Path]:
    """Reals and fakes: noise, none alike."""
    reals = write_folder(root / "reals", {f"{row:03d}.png": picture(row) for row in range(count)})
    fakes = write_folder(root / "fakes", {f"{row:03d}.png": picture(1000 + row) for row in range(count)})
    return reals, fakes


def small_evaluation(
    subject: Path, data: Path | None, out: Path, *, events: list[Event] | None = None, **options: Any
) -> Evaluation:
    """The verb with a network that needs no weights and few groups."""
    given: dict[str, Any] = {"features": "random", "groups": 2, "device": "cpu", **options}
    request = EvaluateRequest(subject, data, out=out, **given)
    return evaluate(request, report=(events if events is not None else []).append)
