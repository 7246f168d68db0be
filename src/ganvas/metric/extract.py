"""One pass over a set of pictures: all that any score needs of each."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data.duplicates import thumbnail
from ganvas.data.item import Unreadable, first_few
from ganvas.data.pack import too_many_unreadable
from ganvas.device import autocast
from ganvas.errors import DataError
from ganvas.metric.pictures import Picture, PictureSet
from ganvas.metric.protocol import Protocol, prepare
from ganvas.network.features import Loaded

T = TypeVar("T")


@dataclass(frozen=True)
class Extracted:
    """What is known of N pictures.

    Attributes:
        features: Float32 ``(N, D)``.
        logits: Float32 ``(N, K)``; K is 0 for networks without classes.
        thumbnails: Uint8 ``(N, 32, 32, 3)``: what copies are looked for in.
        rows: Int64 ``(N,)``: the row in the set of each.
        sizes: How many pictures have each size ``(H, W)`` in pixels.
        unreadable: What is missing, and why.
    """

    features: Tensor
    logits: Tensor
    thumbnails: Picture
    rows: NDArray[np.int64]
    sizes: Mapping[tuple[int, int], int]
    unreadable: tuple[Unreadable, ...] = ()

    def __len__(self) -> int:
        return len(self.features)


class _Prepared(NamedTuple):
    image: Tensor
    thumbnail: Picture
    size: tuple[int, int]


@torch.inference_mode()
def extract(
    pictures: PictureSet,
    network: Loaded,
    protocol: Protocol,
    *,
    device: torch.device,
    batch: int = 32,
    precision: str = "float32",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Extracted:
    """Decode, resize and look at every picture once.

    Args:
        pictures: The set.
        network: What looks at them.
        protocol: How they are brought to the network's size and range.
        device: Where the network is.
        batch: Pictures the network sees at once.
        precision: ``float32``, or ``bfloat16`` for the network's inner layers.
        progress: Called with the number of pictures done and of all.

    Raises:
        DataError: More than 5 % cannot be read, or the network gives no finite numbers for one.
    """

    def ready(picture: Picture) -> _Prepared:
        image = prepare(picture, network.side_px, protocol, network.offset, network.scale)[0]
        return _Prepared(image, thumbnail(picture), (picture.shape[0], picture.shape[1]))

    features, logits, thumbnails, rows = list[Tensor](), list[Tensor](), list[Picture](), list[int]()
    sizes, unreadable, total = Counter[tuple[int, int]](), list[Unreadable](), len(pictures.names)
    for chunk in _chunks(enumerate(pictures.each(ready)), batch):
        found = [(row, one) for row, one in chunk if isinstance(one, _Prepared)]
        unreadable += [one for _, one in chunk if isinstance(one, Unreadable)]
        if found:
            images = torch.stack([one.image for _, one in found]).to(device, memory_format=torch.channels_last)
            with autocast(device, precision):
                seen = network.network(images)
            _refuse_non_finite(seen.features, [pictures.names[row] for row, _ in found])
            features.append(seen.features.float().cpu())
            logits.append(seen.logits.float().cpu())
            # one array a chunk: small ones that stay between large ones that go keep the heap from shrinking
            thumbnails.append(np.stack([one.thumbnail for _, one in found]))
            sizes.update(one.size for _, one in found)
            rows += [row for row, _ in found]
        progress(chunk[-1][0] + 1, total)
    if too_many_unreadable(len(unreadable), total) or not rows:
        raise DataError(
            f"{len(unreadable)} of {total} pictures cannot be read ({first_few(lost.name for lost in unreadable)}); "
            "more than 5 % is too many for an honest score, so mend or remove them."
        )
    return Extracted(
        torch.cat(features),
        torch.cat(logits),
        np.concatenate(thumbnails),
        np.array(rows, np.int64),
        sizes,
        tuple(unreadable),
    )


def _chunks(items: Iterator[T], length: int) -> Iterator[list[T]]:
    while chunk := list(islice(items, length)):
        yield chunk


def _refuse_non_finite(features: Tensor, names: list[str]) -> None:
    wrong = ~features.isfinite().all(1)
    if wrong.any():
        name = names[int(wrong.nonzero()[0])]
        raise DataError(f"The feature network gives no finite numbers for '{name}'; its weights may be damaged.")
