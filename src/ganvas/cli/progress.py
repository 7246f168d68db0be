"""A run as it is seen: a bar on a terminal, plain lines otherwise."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ganvas.cli import show
from ganvas.events import Applied, Event, Looked, Notice, Packing, Planned, Warned, Wrote
from ganvas.events import Progress as Ticked

BETWEEN_LINES_S = 5.0


class TrainingProgress:
    """Shows events; use it as a context and call it with each."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}"),
            console=show.notices,
            disable=not show.notices.is_terminal,
            transient=True,
        )
        self.line: TaskID | None = None
        self.last_line_s = time.monotonic()  # what takes less is not worth a line

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Notice(text):
                show.notice(text)
            case Warned(text):
                show.warning(text)
            case Planned(lines, _):
                if not self.quiet:
                    show.pairs(lines, show.notices)
            case Packing(done, total):
                self._advance("reading", done, total, f"{done} of {total} pictures")
            case Looked(what, done, total):
                self._advance(f"looking at {what}", done, total, f"{done} of {total}")
            case Ticked():
                self._advance("training", event.seen_kimg, event.total_kimg, _words(event))
            case Applied():
                words = f"{event.done} of {event.total} done  {event.left_s / 60:.1f} min left  {event.name}"
                self._advance("painting", event.share, 1.0, words)
            case Wrote():
                pass

    def _advance(self, what: str, done: float, total: float, words: str) -> None:
        if show.notices.is_terminal:
            if self.line is None:
                self.line = self.bar.add_task(what, words=words)
            self.bar.update(self.line, description=what, completed=done, total=total, words=words)
        elif what == "training":
            show.notice(words)
        elif time.monotonic() - self.last_line_s > BETWEEN_LINES_S:
            self.last_line_s = time.monotonic()
            show.notice(f"{what} {words}")


def _words(event: Ticked) -> str:
    """One line of statistics in fixed order."""
    stats = event.stats
    parts = [f"{event.seen_kimg:8.1f} of {event.total_kimg:g} kimg", f"{event.left_s / 60:5.1f} min left"]
    parts += [f"{key.split('/')[0]} {value:.3f}" for key, value in stats.items() if key.endswith("/loss")]
    parts += [f"generator {value:.3f}" for key, value in stats.items() if key.endswith("/generator_loss")]
    parts += [f"sign {value:+.2f}" for key, value in stats.items() if key.endswith("/sign")]
    return "  ".join(parts)
