"""What kinds of pictures a source holds, from their headers alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ganvas.data.array import ArrayFile
from ganvas.data.item import Unreadable
from ganvas.data.parallel import in_order
from ganvas.data.source import FileSource, Source, probe_item
from ganvas.errors import DataError, FileError
from ganvas.image.decode import Facts


@dataclass(frozen=True)
class Survey:
    """Facts of all pictures of a source, most frequent first.

    Attributes:
        sizes: How many pictures have each size ``(H, W)`` in pixels, after EXIF rotation.
        channels: How many pictures have 1 (grey), 3 (colour) or 4 (colour and transparency) channels.
        bit_depths: How many pictures have 8 or 16 bits a sample.
        formats: How many pictures have each file format.
        unreadable: The pictures whose headers cannot be read, and why.
    """

    sizes: dict[tuple[int, int], int]
    channels: dict[int, int]
    bit_depths: dict[int, int]
    formats: dict[str, int]
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def readable(self) -> int:
        """How many pictures have a header that can be read."""
        return sum(self.sizes.values())

    @property
    def listed(self) -> int:
        """How many pictures there are, readable or not."""
        return self.readable + len(self.unreadable)

    def median_size(self) -> tuple[int, int]:
        """The median height and the median width in pixels; a source has at least one readable picture."""
        heights, widths = (Counter[int](), Counter[int]())
        for (height, width), count in self.sizes.items():
            heights[height] += count
            widths[width] += count
        return quantile(heights, 0.5), quantile(widths, 0.5)

    def usual_short_px(self) -> int:
        """The largest shorter side, in pixels, that nine pictures in ten have at least."""
        shorts: Counter[int] = Counter()
        for size, count in self.sizes.items():
            shorts[min(size)] += count
        return quantile(shorts, 0.1)

    def suggested_size(self, longest_px: int = 256) -> tuple[int, int]:
        """The size ``(H, W)`` to train at, as far as the pictures decide it.

        One size for all that is small enough is kept as it is. Otherwise the short side is the largest power
        of two that nine pictures in ten reach without being blown up, and the long side follows the median
        shape in quarters of the short one, so that both divide well.

        Args:
            longest_px: The most either side may have.
        """
        if len(self.sizes) == 1 and max(next(iter(self.sizes))) <= longest_px:
            return next(iter(self.sizes))
        height, width = self.median_size()
        quarters = max(4, round(4 * max(height, width) / min(height, width)))
        enough = max(8, min(self.usual_short_px(), 4 * longest_px // quarters))
        short = 1 << (enough.bit_length() - 1)
        long = min(longest_px, short * quarters // 4)
        return (short, long) if height < width else (long, short)


def quantile(counts: Counter[int], share: float) -> int:
    """The value below or at which ``share`` of a histogram lies."""
    left = share * counts.total()
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    raise ValueError("the histogram is empty")


def survey(source: Source, progress: Callable[[int, int], None] | None = None) -> Survey:
    """Read the header of every picture; no pixel is decoded.

    Args:
        source: The pictures.
        progress: Called with the number of pictures done and of all pictures.

    Raises:
        DataError: Not one header can be read.
    """
    if isinstance(source, ArrayFile):
        return survey_of_array(source)
    facts: list[Facts] = []
    unreadable: list[Unreadable] = []
    for row, found in enumerate(in_order(lambda row: _probe(source, row), len(source.items))):
        if isinstance(found, Facts):
            facts.append(found)
        else:
            unreadable.append(found)
        if progress:
            progress(row + 1, len(source.items))
    require_some(facts, unreadable, source)
    return tally(facts, unreadable)


def require_some(readable: Sequence[object], unreadable: Sequence[Unreadable], source: Source) -> None:
    """Refuse a source without a single picture that can be read.

    Raises:
        DataError: There is none.
    """
    if not readable:
        raise DataError(
            f"None of the {len(unreadable)} pictures in '{source.path}' can be read. {unreadable[0].reason}"
        )


def survey_of_array(source: ArrayFile) -> Survey:
    """All pictures of an array are alike."""
    count, height, width, channels = source.pictures.shape
    return Survey({(height, width): count}, {channels: count}, {8: count}, {source.kind: count})


def tally(facts: Iterable[Facts], unreadable: Iterable[Unreadable]) -> Survey:
    """Count what the headers say."""
    known = list(facts)
    return Survey(
        sizes=dict(Counter((fact.height_px, fact.width_px) for fact in known).most_common()),
        channels=dict(Counter(fact.channels for fact in known).most_common()),
        bit_depths=dict(Counter(fact.bit_depth for fact in known).most_common()),
        formats=dict(Counter(fact.format for fact in known).most_common()),
        unreadable=tuple(unreadable),
    )


def _probe(source: FileSource, row: int) -> Facts | Unreadable:
    try:
        return probe_item(source, row)
    except FileError as error:
        return Unreadable(source.items[row].name, str(error))
