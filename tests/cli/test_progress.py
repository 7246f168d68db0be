import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from ganvas.cli import show
from ganvas.cli.progress import TrainingProgress, _words
from ganvas.events import Event, Notice, Packing, Planned, Progress, Warned, Wrote

STATS = {
    "discriminator/loss": 0.61234, "discriminator/penalty": 0.1, "discriminator/sign": 0.25,
    "discriminator/generator_loss": 0.7, "gradient_norm/critics": 3.0,
}  # fmt: skip
TICK = Progress(12.0, 500.0, 90.0, STATS)
LINE = "    12.0 of 500 kimg    1.5 min left  discriminator 0.612  generator 0.700  sign +0.25\n"


def shown(*events: Event, quiet: bool = False) -> None:
    with TrainingProgress(quiet=quiet) as progress:
        for event in events:
            progress(event)


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    plan = Planned([("pictures", "60"), ("shape", "8x8")], {"pictures": 60})
    shown(plan, Notice("a [b]"), Warned("c"), TICK, Wrote("sample", Path("x")))
    assert capsys.readouterr() == ("", "pictures  60\nshape     8x8\na [b]\nwarning: c\n" + LINE)


def test_quiet_leaves_out_the_plan_alone(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Planned([("pictures", "60")], {}), Notice("a"), quiet=True)
    assert capsys.readouterr() == ("", "a\n")


def test_reading_is_told_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with TrainingProgress(quiet=False) as progress:
        for done in range(1, 101):
            now[0] += 0.25
            progress(Packing(done, 100))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"reading {done} of 100 pictures" for done in (21, 42, 63, 84)]


def test_nothing_is_said_of_what_is_done_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    shown(*(Packing(done, 9) for done in range(1, 10)))
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    page = io.StringIO()
    monkeypatch.setattr(show, "notices", Console(file=page, force_terminal=True, width=120))
    shown(Packing(30, 60), TICK, Notice("a notice"))
    said = page.getvalue()
    assert "reading" in said or "training" in said
    assert "12.0 of 500 kimg" in said
    assert "a notice\n" in said
    assert "━━━" in said


def test_several_critics_have_a_word_each() -> None:
    stats = {"critic_a/loss": 0.1, "critic_b/loss": 0.2, "critic_a/sign": -1.0}
    line = _words(Progress(1.0, 2.0, 0.0, stats))
    assert line.endswith("0.0 min left  critic_a 0.100  critic_b 0.200  sign -1.00")
