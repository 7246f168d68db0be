"""An evaluation as one HTML file: scores, pictures, what looks copied, and how it was all measured.

The page needs nothing but itself: no script, no font, no address; its security policy forbids all but the pictures
it holds. It is light or dark as the reader's system is, and fits a phone and a sheet of paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ganvas.image.provenance import SourceType
from ganvas.metric.figure import curve_svg, document, measured, number, picture, text
from ganvas.metric.score import Score
from ganvas.metric.stamp import Stamp
from ganvas.tensors import Levels

DIRECTIONS = {"lower": "↓ lower", "higher": "↑ higher", "": ""}


@dataclass(frozen=True)
class Pair:
    """A fake and the training picture nearest to it.

    Attributes:
        fake: Levels ``(H, W, C)``.
        real: Levels ``(H, W, C)``, of any size.
        suspicion: How much nearer than training pictures are to each other; above 1 suspicious. None if not told.
        kind: For a copy that was found, what was done to it: ``flip``, ``crop``.
        fake_name: Which fake.
        real_name: Which training picture.
    """

    fake: Levels
    real: Levels
    suspicion: float | None = None
    kind: str = ""
    fake_name: str = ""
    real_name: str = ""


@dataclass(frozen=True)
class Group:
    """Pictures that look the same.

    Attributes:
        pictures: Each Levels ``(H, W, C)``.
        names: One each, or none.
    """

    pictures: Sequence[Levels]
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Curve:
    """A score over training; see `ganvas.metric.figure.curve_svg`."""

    title: str
    points: Sequence[tuple[float, float]]
    x_label: str
    y_label: str
    better: Literal["lower", "higher", ""] = ""


@dataclass(frozen=True)
class Page:
    """All that an evaluation shows. Pictures are held as they are: shrink large ones, and choose few.

    Attributes:
        title: Of the window and the page.
        subject: What was evaluated.
        reals: What it was compared with.
        scores: In the order they are shown.
        floors: By a score's name, one half of the reals against the other.
        stamp: How it was measured.
        warnings: One sentence each.
        curves: Scores over training.
        fakes: Levels ``(N, H, W, C)``.
        real_pictures: Levels ``(N, H, W, C)``.
        copies: Copies that were found, with their kind.
        suspicious: The most suspicious fakes, worst first; None if they were not looked for.
        fake_duplicates: Groups of fakes that look the same; None likewise.
        real_duplicates: Groups of reals that look the same; None likewise.
        fake_source: The mark that pictures of fakes carry inside of the page; None where no model is known to have
            painted them.
    """

    title: str
    subject: str
    reals: str
    scores: Sequence[Score] = ()
    floors: Mapping[str, float] = field(default_factory=dict)
    stamp: Stamp | None = None
    warnings: Sequence[str] = ()
    curves: Sequence[Curve] = ()
    fakes: Levels | None = None
    real_pictures: Levels | None = None
    copies: Sequence[Pair] | None = None
    suspicious: Sequence[Pair] | None = None
    fake_duplicates: Sequence[Group] | None = None
    real_duplicates: Sequence[Group] | None = None
    fake_source: SourceType | None = SourceType.GENERATED


def render(page: Page) -> str:
    """The whole page; write it as UTF-8.

    Raises:
        DataError: Something among the pictures is none, or a curve has no point.
    """
    sections = [
        _header(page),
        _warnings(page.warnings),
        _score_table(page.scores, page.floors),
        *(_section(curve.title, _drawn(curve)) for curve in page.curves),
        _sheet("Fakes", f"Painted by {page.subject}", page.fakes, page.fake_source),
        _sheet("Reals", f"Drawn from {page.reals}", page.real_pictures, None),
        _memorised(page),
        _stamp(page.stamp),
    ]
    return document(page.title, "\n".join(section for section in sections if section))


def _section(title: str, inside: str, lead: str = "") -> str:
    told = f'<p class="lead">{text(lead)}</p>\n' if lead else ""
    return f"<section>\n<h2>{text(title)}</h2>\n{told}{inside}\n</section>"


def _drawn(curve: Curve) -> str:
    return curve_svg(curve.points, curve.x_label, curve.y_label, better=curve.better)


def _header(page: Page) -> str:
    counts = ""
    if page.stamp is not None:
        fakes, reals = number(page.stamp.fake_count), number(page.stamp.real_count)
        counts = f'<p class="facts">{fakes} fakes, {reals} reals, seen by {text(page.stamp.network)}</p>\n'
    return (
        f"<header>\n<h1>{text(page.title)}</h1>\n"
        f'<p class="subject"><b>{text(page.subject)}</b> against <b>{text(page.reals)}</b></p>\n{counts}</header>'
    )


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    lines = "\n".join(f"<li>{text(warning)}</li>" for warning in warnings)
    return f'<section class="warnings">\n<h2>Warnings</h2>\n<ul>\n{lines}\n</ul>\n</section>'


def _score_table(scores: Sequence[Score], floors: Mapping[str, float]) -> str:
    if not scores:
        return ""
    rows = []
    for score in scores:
        value, plus_minus, error = measured(score.value, score.error).partition(" ± ")
        note = f'<span class="note">{text(score.note)}</span>' if score.note else ""
        cells = [
            ("Value", f'{value}<span class="error">{plus_minus}{error}</span>'),
            ("Corrected", _beside(score.corrected, score.error)),
            ("Floor", _beside(floors.get(score.name), score.error)),
            ("Better", DIRECTIONS[score.better]),
        ]
        told = "".join(_cell(label, value) for label, value in cells)
        rows.append(f'<tr><th scope="row">{text(score.name)}{note}</th>{told}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Score", "Value", "Corrected", "Floor", "Better"))
    body = "\n".join(rows)
    explained = (
        "After ± the standard error. Corrected: without the bias that a finite number of pictures brings. "
        "Floor: the same score of one half of the reals against the other half, so what chance alone gives."
    )
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    return _section("Scores", f'{table}\n<p class="aside">{explained}</p>')


def _cell(label: str, value: str) -> str:
    """A cell that names itself, for screens too narrow for columns; there, empty ones are not shown."""
    return f'<td data-label="{label}">{value}</td>' if value else f'<td class="none" data-label="{label}">–</td>'


def _beside(value: float | None, error: float | None) -> str:
    """A number beside a measured one, to the same digit unless that hides it; nothing if there is none."""
    if value is None:
        return ""
    alike = measured(value, error).partition(" ± ")[0]
    return number(value) if value and not alike.strip("−0.,") else alike


def _sheet(title: str, lead: str, pictures: Levels | None, source: SourceType | None) -> str:
    if pictures is None or not len(pictures):
        return ""
    cells = "\n".join(picture(levels, f"{title}, number {row}", source) for row, levels in enumerate(pictures, start=1))
    return _section(title, f'<div class="sheet">\n{cells}\n</div>', lead)


def _memorised(page: Page) -> str:
    parts, source = [], page.fake_source
    if page.copies is not None:
        parts.append(_pairs("Copies", page.copies, "No copies were found.", source))
    if page.suspicious is not None:
        parts.append(_pairs("Most suspicious", page.suspicious, "No fake is suspicious.", source))
    if page.fake_duplicates is not None:
        none = "No two fakes look the same."
        parts.append(_groups("Fakes that look the same", page.fake_duplicates, none, source))
    if page.real_duplicates is not None:
        none = "No two reals look the same."
        parts.append(_groups("Reals that look the same", page.real_duplicates, none, None))
    if not parts:
        return ""
    lead = (
        "Each fake beside the training picture nearest to it. Suspicion compares their distance with that between "
        "training pictures: above 1, the fake is nearer to its neighbour than that one is to any other. No score "
        "finds memorisation reliably; look."
    )
    return _section("Memorisation", "\n".join(parts), lead)


def _pairs(title: str, pairs: Sequence[Pair], none: str, source: SourceType | None) -> str:
    if not pairs:
        return f'<h3>{text(title)}</h3>\n<p class="none">{text(none)}</p>'
    figures = "\n".join(_pair(pair, source) for pair in pairs)
    return f'<h3>{text(title)} <small>fake, then real</small></h3>\n<div class="pairs">\n{figures}\n</div>'


def _pair(pair: Pair, source: SourceType | None) -> str:
    told = [f"<b>{text(pair.kind)}</b>"] if pair.kind else []
    told += [] if pair.suspicion is None else [f"<span>suspicion {number(pair.suspicion, 2)}</span>"]
    told += [f'<span class="names">{text(name)}</span>' for name in (pair.fake_name, pair.real_name) if name]
    fake = picture(pair.fake, f"Fake {pair.fake_name}", source)
    return _figure(fake + picture(pair.real, f"Nearest real {pair.real_name}"), "".join(told))


def _figure(pictures: str, caption: str) -> str:
    told = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><div class="side">{pictures}</div>{told}</figure>'


def _groups(title: str, groups: Sequence[Group], none: str, source: SourceType | None) -> str:
    if not groups:
        return f'<h3>{text(title)}</h3>\n<p class="none">{text(none)}</p>'
    figures = []
    for row, group in enumerate(groups, start=1):
        shown = "".join(picture(levels, f"{title}, group {row}", source) for levels in group.pictures)
        figures.append(_figure(shown, text(" · ".join(group.names))))
    inside = "\n".join(figures)
    return f'<h3>{text(title)}</h3>\n<div class="groups">\n{inside}\n</div>'


def _stamp(stamp: Stamp | None) -> str:
    if stamp is None:
        return ""
    told = {
        "Network": stamp.network,
        "Its SHA-256": stamp.network_sha256,
        "Protocol": stamp.protocol,
        "Resize": stamp.resize,
        "Covariance": "divided by N − 1" if stamp.unbiased else "divided by N",
        "Real pictures": number(stamp.real_count),
        "Their key": stamp.real_key,
        "Fake pictures": number(stamp.fake_count),
        "Seed": str(stamp.seed),
        "Precision": stamp.precision,
        **{f"Formats, {side}": _counted(counts) for side, counts in stamp.formats.items()},
        "Device": f"{stamp.device}, threads: {stamp.threads}",
        "Versions": ", ".join(f"{name} {version}" for name, version in stamp.versions.items()),
    }
    lines = "\n".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in told.items())
    lead = "Results with another network, protocol, precision, seed, set or number of pictures are not comparable."
    return _section("How it was measured", f'<dl class="stamp">\n{lines}\n</dl>', lead)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items()) or "–"
