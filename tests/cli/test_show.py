import io
import json

import pytest
from rich.console import Console

from ganvas.cli import show

ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@pytest.mark.parametrize(
    ("say", "text"),
    [(show.error, "error: {}\n"), (show.warning, "warning: {}\n"), (show.notice, "{}\n"), (show.result, "{}\n")],
)
def test_one_line_as_it_is(say: object, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "[bold]not markup[/bold] [/] \\[x] :smile: Ärger \U0001f469\u200d\U0001f3a8 " + "long " * 60
    assert callable(say)
    say(sentence)
    out, err = capsys.readouterr()
    assert (out if say is show.result else err) == text.format(sentence)
    assert (err if say is show.result else out) == ""


def test_nothing_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of classes and files come from anybody."""
    show.error(f"no class '{ESCAPE}'")
    show.result(f"{ESCAPE}\r\x9b31m\udcff")
    show.pairs([(f"a{ESCAPE}", f"b{ESCAPE}")])
    out, err = capsys.readouterr()
    for text in (out, err):
        assert not set(text) & {"\x1b", "\x07", "\r", "\x9b", "\udcff"}
        assert "\N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER}" in text
        text.encode()


def test_pairs_line_up_whatever_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    show.pairs([("a", "[red]1[/red]"), ("[/bold]", "2 " * 90), ("longer name", "3")])
    assert capsys.readouterr().out.splitlines() == [
        "a            [red]1[/red]",
        "[/bold]      " + ("2 " * 90).rstrip() + " ",
        "longer name  3",
    ]
    show.pairs([])
    assert capsys.readouterr().out == ""


def test_pairs_go_where_they_are_sent(capsys: pytest.CaptureFixture[str]) -> None:
    show.pairs([("a", "1")], show.notices)
    assert capsys.readouterr() == ("", "a  1\n")


def test_names_stand_out_on_a_terminal() -> None:
    page = io.StringIO()
    show.pairs([("a", "1")], Console(file=page, force_terminal=True, color_system="standard"))
    assert page.getvalue() == "\x1b[1ma\x1b[0m  1\n"


def test_json_is_one_line_of_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": f"Ärger {ESCAPE} \udcff", "none": None, "list": [1, 2.5]}
    show.as_json(value)
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (value, "")
    assert out.isascii()
    assert out.count("\n") == 1


def test_a_table_lines_up_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    long = "long " * 60
    show.table([("name", "value", ""), ("[red]a[/red]", "1 ± 0.5", "x"), ("b", "", "y"), ("c", "2", long)])
    assert capsys.readouterr().out.splitlines() == [
        "name          value",
        "[red]a[/red]  1 ± 0.5  x",
        "b                      y",
        f"c             2        {long.rstrip()}",
    ]
    show.table([("only", "headings")])
    assert capsys.readouterr() == ("only  headings\n", "")


def test_no_cell_of_a_table_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show.table([("a", ESCAPE), (ESCAPE, "b")])
    out = capsys.readouterr().out
    assert not set(out) & {"\x1b", "\x07"}
    assert out.count("owned") == 2


def test_only_the_heading_of_a_table_stands_out() -> None:
    page = io.StringIO()
    show.table([("a", "b"), ("c", "d")], Console(file=page, force_terminal=True, color_system="standard"))
    assert page.getvalue() == "\x1b[1ma  b\x1b[0m\nc  d\n"


def test_rows_of_other_lengths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        show.table([("a", "b"), ("c",)])
