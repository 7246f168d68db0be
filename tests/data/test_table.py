import unicodedata

import pytest

from ganvas.data.table import parse_table
from ganvas.errors import DataError

NAMES = ("a.png", "b/c.png")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_rows_come_in_the_order_of_the_pictures(separator: str, bom: str, line: str) -> None:
    rows = [["file", "age", "mood"], ["b/c.png", "2", "x y"], ["a.png", " 1 ", ""]]
    text = bom + line.join(separator.join(row) for row in rows) + line
    assert parse_table(text.encode(), NAMES, "t") == (["age", "mood"], [["1", ""], ["2", "x y"]])


@pytest.mark.parametrize("spelling", ["./b/c.png", "b\\c.png", "b//c.png"])
def test_paths_may_be_spelt_in_several_ways(spelling: str) -> None:
    text = f"file,class\n{spelling},1\na.png,2\n"
    assert parse_table(text.encode(), NAMES, "t").cells == [["2"], ["1"]]


def test_accents_may_be_joined_or_apart() -> None:
    joined, apart = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    assert joined != apart
    assert parse_table(f"file,class\n{joined},1\n".encode(), [apart], "t").cells == [["1"]]


def test_a_name_may_begin_and_end_with_spaces() -> None:
    names = [" c .png", "d.png", " d.png", "e.png "]
    text = b'file,class\n c .png,1\nd.png,2\n" d.png",3\ne.png , 4 \n'
    assert parse_table(text, names, "t").cells == [["1"], ["2"], ["3"], ["4"]]
    assert parse_table(b"file , class\n f.png ,1\n", ["f.png"], "t").cells == [["1"]]


def test_cells_may_be_quoted() -> None:
    assert parse_table(b'file,class\n"a,b.png","say ""hi"""\n', ["a,b.png"], "t").cells == [['say "hi"']]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "t is empty"),
        (b"\n\n", "t is empty"),
        (b"a.png,cat\nb/c.png,dog\n", "header of t is 'a.png,cat'"),
        (b"file\na.png\n", "header of t is 'file'"),
        (b"file,x,x\n", "header"),
        (b"file,\n", "header"),
        (b"file,class\na.png,1\nb/c.png\n", "row of 'b/c.png' in t has 1 cells, but the header has 2"),
        (b"file,class\na.png,1\n./a.png,2\nb/c.png,1\n", "two rows for 'a.png'"),
        (b"file,class\na.png,1\n", r"no row for 1 of 2 pictures \('b/c.png'\)"),
        (b"file,class\na.png,1\nb/c.png,1\nz.png,1\n", r"1 files that are not among the pictures \('z.png'\)"),
        ("file,class\nä.png,1\n".encode("latin-1"), "not a CSV table in UTF-8"),
        (b'file,class\n"a.png,1\n', "not a CSV table"),
        (b"file,class\n" + b"x" * 200_000 + b",1\n", "not a CSV table"),
    ],
)
def test_tables_that_do_not_fit(text: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_table(text, NAMES, "t")


def test_of_many_missing_pictures_the_first_few_are_named() -> None:
    names = [f"{number:03d}.png" for number in range(100)]
    with pytest.raises(DataError, match=r"no row for 99 of 100 pictures \('001.png', '002.png', '003.png' and 96"):
        parse_table(b"file,class\n000.png,1\n", names, "t")
