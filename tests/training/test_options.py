"""The one door for values from outside: what it lets in, as what, and what it refuses with which words."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.training.config import SETTINGS
from ganvas.training.options import Size, check_ranges, option, options_of, parse, parse_size, parse_toml, read_toml


@dataclass(frozen=True)
class Settings:
    size: Size = option("A size.")
    kinds: tuple[Literal["flip", "shift"], ...] = option("Kinds.", default=())
    choice: Literal["a", "b"] = option("A choice.", default="a")
    on: bool = option("A switch.", default=False)
    count: int = option("A whole number.", default=3, least=1, most=9)
    rate: float = option("A number.", default=0.5, above=0, below=1)
    maybe: float | None = option("A number or nothing.", default=None)
    text: str = option("Text.", default="")
    every_kimg: float = option("With a unit in its name.", default=1.0, flag="every")

    def __post_init__(self) -> None:
        if self.maybe is None:
            check_ranges(self)


def parsed(**values: Any) -> dict[str, Any]:
    return parse((Settings,), values, "'a.toml'")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("size", 256, (256, 256)),
        ("size", 256.0, (256, 256)),
        ("size", "256", (256, 256)),
        ("size", "192x320", (192, 320)),
        ("size", " 192 X 320 ", (192, 320)),
        ("size", [192, 320], (192, 320)),
        ("size", (192, 320), (192, 320)),
        ("kinds", "flip,shift", ("flip", "shift")),
        ("kinds", " flip , shift, ", ("flip", "shift")),
        ("kinds", "", ()),
        ("kinds", ["shift"], ("shift",)),
        ("kinds", [], ()),
        ("choice", "b", "b"),
        ("on", True, True),
        ("on", False, False),
        ("count", 4, 4),
        ("count", 4.0, 4),
        ("count", "4", 4),
        ("count", "4e0", 4),
        ("count", 2**63 - 1, 2**63 - 1),  # a float would round it up
        ("count", str(2**63 - 1), 2**63 - 1),
        ("rate", 1, 1.0),
        ("rate", "1e-3", 0.001),
        ("rate", 0.002, 0.002),
        ("maybe", None, None),
        ("maybe", "2.5", 2.5),
        ("text", "x y", "x y"),
    ],
)
def test_values_become_the_declared_type(name: str, given: Any, expected: Any) -> None:
    value = parsed(**{name: given})[name]
    assert value == expected
    assert type(value) is type(expected)


NO_SIZE: list[Any] = [0, -1, 9000, "axb", "1x2x3", "", "192.5", [192.7, 320], [], True, None, {}]
REFUSED: list[tuple[str, Any, str]] = [
    *(("size", value, "a size is a side in pixels") for value in NO_SIZE),
    ("kinds", "flip,flop", "one of: flip, shift"),
    ("kinds", ["flip", 0], "one of: flip, shift"),
    ("kinds", ["flip", ""], "one of: flip, shift"),
    ("kinds", 5, "must be a list"),
    ("kinds", {"flip": 1}, "must be a list"),
    ("choice", "c", "one of: a, b"),
    ("choice", ["a"], "one of: a, b"),
    ("on", 1, "true or false"),
    ("on", "yes", "true or false"),
    ("count", 4.5, "a whole number"),
    ("count", "many", "must be a number"),
    ("count", True, "must be a number"),
    ("count", [1], "must be a number"),
    ("count", float("inf"), "finite"),
    ("rate", float("nan"), "finite"),
    ("rate", "nan", "finite"),
    ("rate", "-Infinity", "finite"),
    ("rate", "1e999", "finite"),
    ("rate", 10**400, "finite"),
    ("rate", "fast", "must be a number"),
    ("rate", None, "must be a number"),
    ("maybe", "x", "must be a number"),
    ("text", 5, "must be text"),
]


@pytest.mark.parametrize(("name", "given", "words"), REFUSED)
def test_a_wrong_value_is_refused_with_flag_value_and_origin(name: str, given: Any, words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parsed(**{name: given})
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"--{name} is {given!r} in 'a.toml', but ")


@settings(deadline=None)
@given(st.integers(1, 8192), st.integers(1, 8192), st.sampled_from(["{}x{}", " {} x {}", "{}X{}"]))
def test_every_size_reads_back(height: int, width: int, shape: str) -> None:
    assert parse_size(shape.format(height, width)) == (height, width)


@settings(deadline=None)
@given(st.one_of(st.none(), st.booleans(), st.floats(), st.text(), st.integers(), st.lists(st.integers() | st.text())))
def test_whatever_comes_is_converted_or_refused_in_words(value: Any) -> None:
    for opt in options_of(Settings):
        try:
            got = parsed(**{opt.name: value})[opt.name]
        except UsageError:
            continue
        if opt.name in ("rate", "count"):
            assert math.isfinite(got)


def test_an_unknown_key_is_refused_with_a_hint_and_where_it_came_from() -> None:
    with pytest.raises(UnknownName, match=r"no option 'chioce' in 'a.toml'\. Did you mean 'choice'\?.*every.*size"):
        parsed(chioce="a")


def test_names_and_flags_mean_the_same_with_dashes_or_underscores() -> None:
    for key in ("every", "every_kimg", "every-kimg"):
        assert parse((Settings,), {key: 2}, "x") == {"every_kimg": 2.0}


def test_one_option_by_two_names_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--every is given twice in 'a\.toml'"):
        parsed(every=1, every_kimg=2)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 0}, "--count is 0, but it must be at least 1."),
        ({"count": 10}, "--count is 10, but it may be at most 9."),
        ({"rate": 0.0}, "--rate is 0.0, but it must be above 0."),
        ({"rate": 1.0}, "--rate is 1.0, but it must be below 1."),
        ({"rate": float("nan")}, "--rate is nan, but it must be above 0."),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Settings(size=(1, 1), **values)
    assert str(refusal.value) == words


def test_the_ends_of_a_range_belong_to_it_as_it_says() -> None:
    for count, rate in ((1, 1e-9), (9, 1 - 1e-9)):
        Settings(size=(1, 1), count=count, rate=rate)


def test_a_file_of_options_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('size = "192x320"\nkinds = ["flip"]\n# a remark\non = true\n', encoding="utf-8")
    assert read_toml(path) == {"size": "192x320", "kinds": ["flip"], "on": True}


@pytest.mark.parametrize("text", ["[training]\nlr = 1", "a = {b = 1}", "a.b = 1"])
def test_tables_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"'x' has a table \[\w+\], but options are flat"):
        parse_toml(text, "'x'")


@pytest.mark.parametrize(
    ("content", "words"), [(b"lr 1", "is not TOML"), (b"\xff\xfe", "cannot be read"), (None, "cannot be read")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "odd.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match=words) as refusal:
        read_toml(path)
    assert "odd.toml" in str(refusal.value)


def test_every_option_of_a_run_has_a_help_text_and_a_flag_of_its_own() -> None:
    found = [opt for group in SETTINGS for opt in options_of(group)]
    flags, names = [opt.flag for opt in found], [opt.name for opt in found]
    assert len(set(flags)) == len(flags)
    assert len(set(names)) == len(names)
    # A flag that spells another option's name would be read as that one.
    by_name = {opt.name: opt for opt in found}
    spelt = {flag.removeprefix("--").replace("-", "_"): flag for flag in flags}
    assert all(by_name[word].flag == flag for word, flag in spelt.items() if word in by_name)
    for opt in found:
        assert opt.text[:1].isalnum(), opt.name
        assert opt.text.endswith("."), opt.name
        assert opt.flag.startswith("--")
        assert "_" not in opt.flag


def test_flags_that_scripts_rely_on() -> None:
    flags = {opt.flag for group in SETTINGS for opt in options_of(group)}
    assert flags >= {
        "--size", "--channels", "--network", "--loss", "--batch", "--kimg", "--seed", "--checkpoint-every"
    }  # fmt: skip


def test_defaults_are_of_the_types_they_declare() -> None:
    for group in SETTINGS:
        for opt in options_of(group):
            if not opt.planned:
                assert parse(SETTINGS, {opt.name: opt.default}, "x") == {opt.name: opt.default}
