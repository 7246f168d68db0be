"""What to do about a set of pictures, in plain sentences."""

from collections.abc import Mapping, Sequence

from ganvas.data.item import first_few
from ganvas.data.labels import Labels
from ganvas.data.pack import too_many_unreadable
from ganvas.data.survey import Survey

FEW, SOME = 100, 1_000
MIN_CLASS = 50
IMBALANCE = 10
UNREAD_PICTURES = frozenset(
    {".heic", ".heif", ".avif", ".gif", ".jxl", ".jp2", ".psd", ".svg", ".tga", ".dng", ".cr2", ".nef", ".arw"}
)
"""Pictures of a kind ganvas does not read, so that they are not passed over in silence."""

Groups = Sequence[Sequence[str]]


def advise(
    survey: Survey, others: Mapping[str, int], labels: Labels, copies: Groups, lookalikes: Groups
) -> tuple[str, ...]:
    """One sentence for each thing to mend; none when all is well.

    Args:
        survey: What the pictures are.
        others: How many files of each other extension lie among them.
        labels: Their labels.
        copies: Groups of names of the same file.
        lookalikes: Groups of names of pictures that look the same.
    """
    return (
        *_about_files(survey, others),
        *_about_number(survey, copies, lookalikes),
        *_about_pixels(survey),
        *_about_classes(labels),
    )


def _pictures(count: int) -> str:
    return f"{count} picture{'s' * (count != 1)}"


def _are(count: int) -> str:
    return f"{_pictures(count)} {'is' if count == 1 else 'are'}"


def _about_files(survey: Survey, others: Mapping[str, int]) -> list[str]:
    advice = []
    lost = len(survey.unreadable)
    if lost:
        consequence = "they will be left out"
        if too_many_unreadable(lost, survey.listed):
            consequence = "training refuses to start above 5 %"
        advice.append(
            f"{lost} of {_pictures(survey.listed)} cannot be read ({first_few(n for n, _ in survey.unreadable)}); "
            f"{consequence}: remove them or export them again."
        )
    unread = {suffix: count for suffix, count in others.items() if suffix in UNREAD_PICTURES}
    if unread:
        listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(unread.items()))
        advice.append(f"Files of a kind ganvas does not read are passed over ({listed}); convert them to PNG.")
    return advice


def _about_number(survey: Survey, copies: Groups, lookalikes: Groups) -> list[str]:
    advice = []
    spare, near = sum(len(group) - 1 for group in copies), sum(len(group) - 1 for group in lookalikes)
    distinct = survey.readable - spare
    if distinct < FEW:
        advice.append(
            f"There are too few different pictures to learn from ({distinct}); collect at least {FEW}, or continue "
            "from a trained model with --start-from."
        )
    elif distinct < SOME:
        advice.append(
            f"{distinct} different pictures are few, so expect little variety; {SOME} or more do better, and so "
            "does continuing from a trained model with --start-from."
        )
    if spare:
        advice.append(f"{_are(spare)} the same file as another ({first_few(copies[0])}); keep one of each group.")
    if near:
        advice.append(
            f"{_are(near)} much like another one ({first_few(lookalikes[0])}); look at the groups, and keep one of "
            "each that shows nothing new, or the model will paint it again and again."
        )
    return advice


def _about_pixels(survey: Survey) -> list[str]:
    advice = []
    kinds = {1: "grey", 3: "colour", 4: "transparency"}
    if len(survey.channels) > 1:
        mixed = ", ".join(f"{count} with {kinds[channels]}" for channels, count in survey.channels.items())
        advice.append(
            f"Channels differ ({mixed}); choose what all are brought to: --channels 1 for grey, 3 for colour, "
            "transparent parts on white, or 4 to keep transparency."
        )
    if deep := survey.bit_depths.get(16):
        advice.append(f"{_are(deep)} of 16 bits a sample; training uses the upper 8.")
    height, width = survey.suggested_size()
    small = sum(count for (h, w), count in survey.sizes.items() if h < height or w < width)
    if small:
        advice.append(
            f"{_are(small)} smaller than {height}x{width} and would be blown up; leave out what is small, or choose a "
            "smaller --size."
        )
    if len(survey.sizes) > 1:
        size = str(height) if height == width else f"{height}x{width}"
        advice.append(f"Sizes differ; --size {size} suits most of them.{_shape_advice(survey, height / width)}")
    return advice


def _shape_advice(survey: Survey, shape: float) -> str:
    """Whether cropping to the shape ``H / W`` would cost too much of many pictures."""
    cut = sum(n for (h, w), n in survey.sizes.items() if min(h / w / shape, w / h * shape) < 2 / 3)
    if 5 * cut < survey.readable:
        return ""
    return f" {cut} of them would lose more than a third to cropping: use --fit pad to show them whole."


def _about_classes(labels: Labels) -> list[str]:
    if labels.kind != "class":
        return []
    counts = sorted(labels.counts().items(), key=lambda pair: pair[1])
    rare = [f"{name} ({count})" for name, count in counts if count < MIN_CLASS]
    advice = []
    if rare:
        advice.append(
            f"{len(rare)} of {len(counts)} classes have fewer than {MIN_CLASS} pictures: {first_few(rare)}; add "
            "pictures, merge classes, or train with --labels none."
        )
    if counts[-1][1] > IMBALANCE * counts[0][1]:
        advice.append(
            f"The class '{counts[-1][0]}' has {counts[-1][1]} pictures and '{counts[0][0]}' has {counts[0][1]}; "
            "rare classes are learnt worse, so even them out."
        )
    return advice
